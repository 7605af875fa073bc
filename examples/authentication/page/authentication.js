// The page of the sign-in example. Passwords go over HTTP and are exchanged for a token, which is the `auth` of
// the Socket.IO connection; src/main.rs has the requests and events.

const ANSWER_WITHIN = 8_000;
// Of this tab, so that every tab can be somebody else. One that is duplicated shares the session.
const TOKEN_KEY = "authentication.token";

const $ = (id) => document.getElementById(id);

let token = sessionStorage.getItem(TOKEN_KEY);
// What the server said: `me` is null until it lets this tab in.
let me = null;
let session = null;
let people = [];
let messages = [];
// Whom the user looks at, and how much they have not read of others.
let other = null;
const unread = new Map();
let interrupted = false;

if (!window.io) {
  $("problem").textContent = "The Socket.IO client did not load from this server.";
  throw new Error("/socket.io/socket.io.js is missing");
}
const socket = window.io({
  autoConnect: false,
  // A function, as a later sign-in has another token.
  auth: (give) => give({ token }),
  reconnectionDelay: 500,
  reconnectionDelayMax: 3_000,
});

// --- signing in and out -------------------------------------------------------------------

$("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  $("enter").disabled = true;
  $("problem").textContent = "";
  try {
    const body = JSON.stringify({ name: $("name").value.trim(), password: $("password").value });
    const response = await fetch("/login", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    if (response.status === 401) return stop((await response.json()).error);
    if (!response.ok) return stop(await response.text());
    ({ token } = await response.json());
    sessionStorage.setItem(TOKEN_KEY, token);
    socket.connect();
  } catch {
    stop("the server is not answering");
  }
});

for (const button of $("sign-in").querySelectorAll("[data-name]")) {
  button.addEventListener("click", () => {
    $("name").value = button.dataset.name;
    $("password").value = button.dataset.password;
    $("enter").focus();
  });
}

$("sign-out").addEventListener("click", () => signOut("/logout"));
$("everywhere").addEventListener("click", () => signOut("/logout/everywhere"));

/** Forgets the token, whether or not the server hears that it is needed no more. */
function signOut(path) {
  fetch(path, { method: "POST", headers: { Authorization: `Bearer ${token}` }, keepalive: true }).catch(() => {});
  stop();
}

/** Goes back to the sign-in card. */
function stop(problem = "") {
  token = null;
  sessionStorage.removeItem(TOKEN_KEY);
  me = null;
  interrupted = false;
  socket.disconnect();
  unread.clear();
  $("kick").close();
  look(null);
  showBanner("");
  $("panel").hidden = true;
  $("welcome").hidden = false;
  $("enter").disabled = false;
  $("password").value = "";
  $("problem").textContent = problem;
  $($("name").value === "" ? "name" : "password").focus();
}

// --- connection ---------------------------------------------------------------------------

socket.on("welcome", (welcome) => {
  ({ user: me, session, messages } = welcome);
  $("me-name").textContent = me.name;
  $("me-admin").hidden = !me.admin;
  setAvatar($("me-avatar"), me.name);
  $("problem").textContent = "";
  $("password").value = "";
  $("welcome").hidden = true;
  $("panel").hidden = false;
  showMessages();
  showBanner(interrupted ? "back" : "");
  interrupted = false;
});

// The refusal of the middleware, or else the server is not there.
socket.on("connect_error", (error) => {
  if (!socket.active) return stop(error.message);
  if (me === null) $("problem").textContent = "The server is not answering, still trying…";
});

// The server ends this session, and says why before it disconnects.
socket.on("signed out", ({ message }) => stop(message));

socket.on("disconnect", () => {
  if (me === null) return;
  interrupted = true;
  showBanner("lost");
  // The client reconnects by itself unless the server closed the connection on purpose.
  if (!socket.active) setTimeout(() => token !== null && socket.connect(), 1_000);
});

async function ask(event, data) {
  try {
    return await socket.timeout(ANSWER_WITHIN).emitWithAck(event, data);
  } catch {
    return { ok: false, error: "no answer from the server" };
  }
}

let bannerTimer;

function showBanner(state) {
  clearTimeout(bannerTimer);
  $("panel").dataset.connection = state;
  $("banner").textContent = { lost: "Connection lost, reconnecting…", back: "Back online" }[state] ?? "";
  if (state === "back") bannerTimer = setTimeout(showBanner, 3_000, "");
}

// --- people -------------------------------------------------------------------------------

socket.on("people", (everyone) => {
  people = everyone;
  showPeople();
});

function showPeople() {
  const others = people.filter(({ name }) => name !== me?.name);
  others.sort((a, b) => b.online - a.online || a.name.localeCompare(b.name));
  rebuild($("people"), others.map(({ name, admin, online }) => {
    const item = clone("person-template");
    const person = item.querySelector(".person");
    item.dataset.name = name;
    item.dataset.online = online;
    setAvatar(item.querySelector(".avatar"), name);
    item.querySelector(".name").textContent = name;
    item.querySelector(".admin").hidden = !admin;
    item.querySelector(".presence").textContent = online ? "online" : "offline";
    const count = unread.get(name) ?? 0;
    item.querySelector(".unread").hidden = count === 0;
    item.querySelector(".unread").textContent = count;
    item.querySelector(".unread").ariaLabel = `${count} unread`;
    person.ariaCurrent = name === other ? "true" : null;
    person.addEventListener("click", () => look(name));
    const kick = item.querySelector(".kick");
    kick.hidden = !me?.admin || !online;
    kick.ariaLabel = `Kick ${name}`;
    kick.addEventListener("click", () => askToKick(name));
    return item;
  }));
  const shown = people.find(({ name }) => name === other);
  $("talk-state").textContent = shown?.online ? "online" : "offline, will find it later";
  $("talk-state").dataset.online = Boolean(shown?.online);
}

let kicked = null;

function askToKick(name) {
  kicked = name;
  $("kick-title").textContent = `Kick ${name}?`;
  $("kick-problem").textContent = "";
  $("reason").value = "";
  $("kick").showModal();
}

$("kick-cancel").addEventListener("click", () => $("kick").close());
$("kick-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await ask("kick", { name: kicked, reason: $("reason").value });
  if (answer.ok) $("kick").close();
  else $("kick-problem").textContent = answer.error;
});

// --- sessions -----------------------------------------------------------------------------

const moment = new Intl.DateTimeFormat(undefined, { weekday: "short", hour: "2-digit", minute: "2-digit" });

socket.on("sessions", (sessions) => {
  rebuild($("sessions"), sessions.map(({ id, began, tabs }) => {
    const item = clone("session-template");
    const own = id === session;
    item.dataset.name = id;
    item.classList.toggle("own", own);
    item.querySelector(".began").textContent = own ? "This session" : `Since ${moment.format(began)}`;
    item.querySelector(".tabs").textContent = { 0: "not connected", 1: "1 tab" }[tabs] ?? `${tabs} tabs`;
    const end = item.querySelector("button");
    end.hidden = own;
    end.ariaLabel = `Sign out the session since ${moment.format(began)}`;
    end.addEventListener("click", () => ask("end session", id));
    return item;
  }));
});

// --- messages -----------------------------------------------------------------------------

socket.on("message", receive);

function receive(message) {
  messages.push(message);
  const partner = partnerOf(message);
  if (partner === other) return append(message);
  if (message.from === me.name) return;
  unread.set(partner, (unread.get(partner) ?? 0) + 1);
  showPeople();
}

const partnerOf = ({ from, to }) => (from === me.name ? to : from);

function look(name) {
  other = name;
  unread.delete(name);
  $("panel").dataset.view = name === null ? "people" : "talk";
  $("talk").hidden = name === null;
  $("nobody").hidden = name !== null;
  $("send-problem").textContent = "";
  showPeople();
  showMessages();
  if (name === null) return;
  setAvatar($("talk-avatar"), name);
  $("talk-name").textContent = name;
  $("text").placeholder = `Message ${name}`;
  // On a touch screen this would open the keyboard over the conversation.
  if (matchMedia("(hover: hover)").matches) $("text").focus();
}

$("back").addEventListener("click", () => {
  const name = other;
  look(null);
  $("people").querySelector(`[data-name="${name}"] .person`)?.focus();
});

function showMessages() {
  $("messages").replaceChildren();
  $("messages").dataset.empty = `Nothing between you and ${other} yet.`;
  if (me !== null) messages.filter((message) => partnerOf(message) === other).forEach(append);
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

function append({ from, text, time }) {
  const item = clone("message-template");
  const own = from === me.name;
  item.classList.toggle("own", own);
  item.querySelector(".author").textContent = `${own ? "You" : from}: `;
  item.querySelector(".text").textContent = text;
  item.querySelector("time").textContent = clock.format(time);
  item.querySelector("time").dateTime = new Date(time).toISOString();
  $("messages").append(item);
  $("log").scrollTop = $("log").scrollHeight;
}

$("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const to = other;
  const text = $("text").value.trim();
  if (text === "") return;
  $("text").value = "";
  $("send-problem").textContent = "";
  const answer = await ask("message", { to, text });
  if (me === null) return;
  if (answer.ok) return receive(answer.message);
  if (to !== other) return;
  $("send-problem").textContent = `Not sent: ${answer.error}.`;
  $("text").value ||= text;
});

// --- helpers ------------------------------------------------------------------------------

function clone(template) {
  return $(template).content.firstElementChild.cloneNode(true);
}

/** Replaces the items of a list. What had the focus in it has it again. */
function rebuild(list, items) {
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const name = focused?.closest("li").dataset.name;
  const place = focused?.classList.contains("person") ? ".person" : "button.quiet";
  list.replaceChildren(...items);
  if (focused) items.find((item) => item.dataset.name === name)?.querySelector(place)?.focus();
}

function setAvatar(element, name) {
  let hue = 0;
  for (const character of name) hue = (hue * 31 + character.codePointAt(0)) % 360;
  element.style.setProperty("--hue", hue);
  element.textContent = [...name][0]?.toUpperCase() ?? "";
}

if (token !== null) socket.connect();
else $("name").focus();
