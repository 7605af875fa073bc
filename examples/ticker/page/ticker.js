// The ticker page: a card for each stock, with a switch that subscribes to it.
//
// To the server, each answered with `{ ok: true, … }` or `{ ok: false, error }`:
//   subscribe    symbol   → { symbol, opening, history }
//   unsubscribe  symbol
// From the server; prices are in cents:
//   market          { open, day, stocks: [{ symbol, name }] }, when it has let us in
//   tick            { symbol, price }, of what we have subscribed to
//   opened, closed  { day }

const ANSWER_WITHIN = 8_000;
const POINTS = 120;
const WANTED_KEY = "ticker.wanted";

const $ = (id) => document.getElementById(id);

// What the user wants, which is subscribed to again after every reconnection. `null` at the first visit.
let wanted = JSON.parse(localStorage.getItem(WANTED_KEY));
// By symbol: { card, opening, history, live }; live is what the server has confirmed.
const stocks = new Map();

if (!window.io) {
  $("connection").textContent = "The Socket.IO client did not load from this server.";
  throw new Error("/socket.io/socket.io.js is missing");
}
const socket = window.io({ reconnectionDelay: 500, reconnectionDelayMax: 3_000 });

// --- connection ---------------------------------------------------------------------------

socket.on("market", ({ open, day, stocks: listed }) => {
  showConnection("up", "Connected");
  wanted ??= listed.slice(0, 5).map(({ symbol }) => symbol);
  for (const stock of listed) if (!stocks.has(stock.symbol)) addCard(stock);
  showMarket(open, day);
  for (const symbol of stocks.keys()) if (wanted.includes(symbol)) subscribe(symbol);
});

socket.on("disconnect", () => {
  for (const symbol of stocks.keys()) setLive(symbol, false);
  showConnection("lost", "Connection lost, reconnecting…");
  // The client reconnects by itself unless the server closed the connection on purpose.
  if (!socket.active) setTimeout(() => socket.connect(), 1_000);
});

socket.on("connect_error", () => showConnection("lost", "The server is not answering, still trying…"));

function showConnection(state, text) {
  document.body.dataset.connection = state;
  $("connection").textContent = text;
}

// --- market -------------------------------------------------------------------------------

socket.on("opened", ({ day }) => {
  showMarket(true, day);
  for (const [symbol, stock] of stocks) {
    if (!stock.live) continue;
    stock.opening = stock.history.at(-1);
    draw(symbol);
  }
});
socket.on("closed", ({ day }) => showMarket(false, day));

function showMarket(open, day) {
  document.body.dataset.market = open ? "open" : "closed";
  $("market").hidden = false;
  $("market").textContent = `Market ${open ? "open" : "closed"}, day ${day}`;
}

socket.on("tick", ({ symbol, price }) => {
  const stock = stocks.get(symbol);
  if (!stock?.live) return;
  const before = stock.history.at(-1);
  stock.history.push(price);
  if (stock.history.length > POINTS) stock.history.shift();
  draw(symbol);
  if (price !== before) flash(stock.card, price > before);
});

// --- subscriptions ------------------------------------------------------------------------

async function subscribe(symbol) {
  const answer = await ask("subscribe", symbol);
  if (!answer.ok || !wanted.includes(symbol)) return;
  const stock = stocks.get(symbol);
  ({ opening: stock.opening, history: stock.history } = answer);
  setLive(symbol, true);
  draw(symbol);
}

async function unsubscribe(symbol) {
  setLive(symbol, false);
  await ask("unsubscribe", symbol);
}

async function ask(event, symbol) {
  let answer;
  try {
    answer = await socket.timeout(ANSWER_WITHIN).emitWithAck(event, symbol);
  } catch {
    answer = { ok: false, error: "no answer from the server" };
  }
  // If the connection was lost meanwhile, the next one does it all again.
  const error = answer.ok || !socket.connected ? "" : answer.error;
  stocks.get(symbol).card.querySelector(".error").textContent = error;
  return answer;
}

function toggle(symbol) {
  const on = !wanted.includes(symbol);
  wanted = on ? [...wanted, symbol] : wanted.filter((other) => other !== symbol);
  localStorage.setItem(WANTED_KEY, JSON.stringify(wanted));
  showSwitch(symbol);
  if (!socket.connected) return;
  if (on) subscribe(symbol);
  else unsubscribe(symbol);
}

// --- cards --------------------------------------------------------------------------------

function addCard({ symbol, name }) {
  const card = $("stock-template").content.firstElementChild.cloneNode(true);
  card.dataset.symbol = symbol;
  card.querySelector(".symbol").textContent = symbol;
  card.querySelector(".company").textContent = name;
  card.querySelector(".switch").ariaLabel = `Subscribe to ${symbol}`;
  card.querySelector(".switch").addEventListener("click", () => toggle(symbol));
  stocks.set(symbol, { card, opening: 0, history: [], live: false });
  $("board").append(card);
  showSwitch(symbol);
  setLive(symbol, false);
}

function showSwitch(symbol) {
  stocks.get(symbol).card.querySelector(".switch").ariaChecked = String(wanted.includes(symbol));
}

function setLive(symbol, live) {
  const stock = stocks.get(symbol);
  stock.live = live;
  stock.card.dataset.live = live;
}

const number = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const percent = new Intl.NumberFormat(undefined, { style: "percent", minimumFractionDigits: 2 });

function draw(symbol) {
  const { card, opening, history } = stocks.get(symbol);
  const price = history.at(-1);
  const change = price - opening;
  card.dataset.trend = change > 0 ? "up" : change < 0 ? "down" : "flat";
  card.querySelector(".price").textContent = number.format(price / 100);
  const arrow = { up: "▲", down: "▼", flat: "▬" }[card.dataset.trend];
  card.querySelector(".change").textContent =
    `${arrow} ${number.format(Math.abs(change) / 100)} (${percent.format(Math.abs(change) / opening)})`;

  // The opening is always in the picture, so that it shows on which side of it the price is.
  const least = Math.min(opening, ...history);
  const span = Math.max(opening, ...history) - least || 1;
  const x = (place) => (120 * (place + POINTS - history.length) / (POINTS - 1)).toFixed(2);
  const y = (value) => (37 - 34 * (value - least) / span).toFixed(2);
  const line = `M${history.map((value, place) => `${x(place)} ${y(value)}`).join("L")}`;
  card.querySelector(".line").setAttribute("d", line);
  card.querySelector(".area").setAttribute("d", `${line}L120 40L${x(0)} 40Z`);
  card.querySelector(".opening").setAttribute("d", `M0 ${y(opening)}L120 ${y(opening)}`);
}

const still = matchMedia("(prefers-reduced-motion: reduce)");

function flash(card, up) {
  if (still.matches) return;
  const color = getComputedStyle(card).getPropertyValue(up ? "--up" : "--down");
  card.querySelector(".price").animate([{ color }, {}], { duration: 500, easing: "ease-out" });
}
