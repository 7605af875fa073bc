// The chat page: three rooms, one joined at a time, over one Socket.IO connection.
//
// To the server, each answered with `{ ok: true, … }` or `{ ok: false, error }`:
//   join     { nickname, room }   → { node, nickname, room, history, online }
//   message  text                 → { message }
//   typing   boolean                (not answered)
// From the server, about the room that was joined:
//   message  { id, room, nickname, text, time }
//   typing   { nickname, typing }
//   joined, left  { nickname, online }

const ROOMS = ["general", "random", "rust"];
const ANSWER_WITHIN = 8_000;
const GROUP_WITHIN = 5 * 60_000;
const MESSAGES_KEPT = 500;
const NICKNAME_KEY = "chat.nickname";

const $ = (id) => document.getElementById(id);

// What the user wants: `nickname` is null on the welcome screen.
let nickname = null;
let room = roomFromHash();
// What the server has confirmed: `joined` is false until it answers `join`.
let joined = false;
let attempt = 0;
let interrupted = false;
// Messages that came while `join` was being answered.
let early = [];
// Messages that the server has not acknowledged: { room, text, time, sending, error, item }.
let outbox = [];
// The day of the last message on the screen; a message of another day gets a heading.
let shownDay = dayOf(Date.now());

if (!window.io) {
  $("welcome-error").textContent = "The Socket.IO client did not load from this server.";
  throw new Error("/socket.io/socket.io.js is missing");
}
const socket = window.io({ autoConnect: false, reconnectionDelay: 500, reconnectionDelayMax: 3_000 });

// --- connection ---------------------------------------------------------------------------

socket.on("connect", join);

socket.on("disconnect", () => {
  joined = false;
  clearTyping();
  if (nickname === null) return;
  interrupted = true;
  showBanner("lost", "Connection lost, reconnecting…");
  // The client reconnects by itself unless the server closed the connection on purpose.
  if (!socket.active) setTimeout(() => nickname !== null && socket.connect(), 1_000);
});

socket.on("connect_error", (error) => {
  if (!socket.active) return leave(error.message);
  $("welcome-error").textContent = "The server is not answering, still trying…";
});

/** Enters `room` as `nickname`: at first, after a switch of rooms, and after every reconnection. */
function join() {
  const mine = ++attempt;
  joined = false;
  early = [];
  $("log").ariaBusy = "true";
  // With a callback, which has run when the event behind the answer comes; `await` goes on later.
  socket.timeout(ANSWER_WITHIN).emit("join", { nickname, room }, (error, answer) => {
    if (mine !== attempt) return;
    if (error) return socket.connected && join();
    if (!answer.ok) return leave(answer.error);
    entered(answer);
  });
}

function entered(answer) {
  joined = true;
  nickname = answer.nickname;
  $("node").textContent = answer.node;
  showChat();
  showPeople(answer.online);
  [...answer.history, ...early].forEach(receive);
  $("messages").dataset.empty = `Nothing here yet. Be the first to write in #${room}.`;
  $("log").ariaBusy = "false";
  if (interrupted) showBanner("back", "Back online");
  interrupted = false;
  flush();
}

function leave(error = "") {
  nickname = null;
  joined = false;
  interrupted = false;
  attempt += 1;
  outbox = [];
  socket.disconnect();
  clearRoom();
  $("chat").hidden = true;
  $("welcome").hidden = false;
  $("join").disabled = false;
  $("welcome-error").textContent = error;
  $("nickname").focus();
}

function enter(name) {
  nickname = name;
  $("join").disabled = true;
  $("welcome-error").textContent = "";
  socket.connect();
}

// --- rooms --------------------------------------------------------------------------------

// The room is the fragment of the address, so links, history and bookmarks work.
function roomFromHash() {
  const name = location.hash.slice(1);
  return ROOMS.includes(name) ? name : ROOMS[0];
}

for (const name of ROOMS) {
  const link = document.createElement("a");
  link.href = `#${name}`;
  link.textContent = name;
  const item = document.createElement("li");
  item.append(link);
  $("rooms").append(item);
}

addEventListener("hashchange", () => {
  if (roomFromHash() === room) return;
  setTyping(false);
  room = roomFromHash();
  joined = false;
  clearRoom();
  showRoom();
  if (socket.connected && nickname !== null) join();
});

function showRoom() {
  for (const link of $("rooms").querySelectorAll("a")) {
    const current = link.hash === `#${room}`;
    link.ariaCurrent = current ? "page" : null;
  }
  $("room-name").textContent = room;
  $("text").placeholder = `Message #${room}`;
  for (const entry of outbox) if (entry.room === room) showUnsent(entry);
}

function clearRoom() {
  $("messages").replaceChildren();
  $("messages").dataset.empty = "";
  shownDay = dayOf(Date.now());
  showPeople([]);
  clearTyping();
  stayAtEnd();
}

// --- messages -----------------------------------------------------------------------------

socket.on("message", (message) => {
  if (message.room !== room) return;
  if (!joined) return early.push(message);
  stopTyping(message.nickname);
  receive(message);
});

/** Shows a message once: history overlaps with what is on the screen, and with what comes meanwhile. */
function receive(message) {
  if ($("messages").querySelector(`[data-id="${CSS.escape(message.id)}"]`)) return;
  // An own message in the history whose acknowledgement was lost with the connection.
  const unsent = outbox.find((entry) =>
    entry.error && entry.room === room && entry.text === message.text && message.nickname === nickname);
  if (unsent) return settle(unsent, message);

  const item = appendMessage(message);
  item.dataset.id = message.id;
  setState(item, "sent");
  if (message.nickname !== nickname) countUnread();
}

function send(text) {
  const entry = { room, text, time: Date.now(), sending: false, error: null, item: null };
  outbox.push(entry);
  stayAtEnd();
  showUnsent(entry);
  flush();
}

/** Sends what waits for this room. Nothing is emitted before the room is joined. */
function flush() {
  if (!joined) return;
  for (const entry of outbox) {
    if (entry.room === room && !entry.sending && !entry.error) deliver(entry);
  }
}

async function deliver(entry) {
  entry.sending = true;
  try {
    const answer = await socket.timeout(ANSWER_WITHIN).emitWithAck("message", entry.text);
    if (answer.ok) return settle(entry, answer.message);
    entry.error = answer.error;
  } catch {
    entry.error = "no answer from the server";
  }
  entry.sending = false;
  showFailure(entry);
}

function settle(entry, message) {
  outbox = outbox.filter((other) => other !== entry);
  if (!entry.item?.isConnected) return;
  entry.item.dataset.id = message.id;
  showTime(entry.item, message.time);
  setState(entry.item, "sent");
}

function retry(entry) {
  entry.error = null;
  setState(entry.item, "pending");
  $("text").focus();
  flush();
}

function showUnsent(entry) {
  entry.item = appendMessage({ nickname, text: entry.text, time: entry.time });
  entry.item.querySelector(".retry").onclick = () => retry(entry);
  if (entry.error) showFailure(entry);
  else setState(entry.item, "pending");
}

function showFailure(entry) {
  if (!entry.item?.isConnected) return;
  setState(entry.item, "failed");
  entry.item.querySelector(".reason").textContent = `Not sent: ${entry.error}.`;
}

function setState(item, state) {
  item.dataset.state = state;
  item.querySelector(".failure").hidden = state !== "failed";
  const status = item.querySelector(".status");
  status.textContent = { pending: "Sending…", sent: "✓", failed: "" }[state];
  if (state === "sent") {
    status.role = "img";
    status.ariaLabel = "Sent";
  } else {
    status.removeAttribute("role");
    status.removeAttribute("aria-label");
  }
}

function appendMessage({ nickname: author, text, time }) {
  const own = author === nickname;
  const item = $("message-template").content.firstElementChild.cloneNode(true);
  item.dataset.author = author;
  item.dataset.time = time;
  item.classList.toggle("own", own);
  const last = $("messages").lastElementChild;
  if (dayOf(time) !== shownDay) {
    shownDay = dayOf(time);
    appendNotice(shownDay === dayOf(Date.now()) ? "Today" : calendar.format(time));
  } else if (last?.dataset.author === author && time - last.dataset.time < GROUP_WITHIN) {
    item.classList.add("continued");
  }
  setAvatar(item.querySelector(".avatar"), author);
  item.querySelector(".author").textContent = own ? "You" : author;
  item.querySelector(".text").textContent = text;
  showTime(item, time);
  append(item);
  return item;
}

/** Appends a notice; the next one about the same person takes its place. */
function appendNotice(text, about = "") {
  const last = $("messages").lastElementChild;
  if (about && last?.dataset.about === about) last.remove();
  const item = document.createElement("li");
  item.className = "notice";
  item.dataset.about = about;
  item.textContent = text;
  append(item);
}

function append(item) {
  $("messages").append(item);
  while ($("messages").childElementCount > MESSAGES_KEPT) $("messages").firstElementChild.remove();
  if (atEnd) scrollToEnd();
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

function dayOf(time) {
  return new Date(time).toDateString();
}

function showTime(item, time) {
  const element = item.querySelector("time");
  element.dateTime = new Date(time).toISOString();
  element.textContent = clock.format(time);
  element.title = full.format(time);
}

// --- scrolling: follow the end only while the reader is there -----------------------------

let atEnd = true;
let unread = 0;

$("log").addEventListener("scroll", () => {
  const { scrollHeight, scrollTop, clientHeight } = $("log");
  atEnd = scrollHeight - scrollTop - clientHeight < 60;
  if (atEnd) showUnread(0);
});
new ResizeObserver(() => atEnd && scrollToEnd()).observe($("log"));
$("jump").addEventListener("click", stayAtEnd);

function scrollToEnd() {
  $("log").scrollTop = $("log").scrollHeight;
}

function stayAtEnd() {
  atEnd = true;
  showUnread(0);
  scrollToEnd();
}

function countUnread() {
  if (!atEnd) showUnread(unread + 1);
}

function showUnread(count) {
  unread = count;
  $("jump").hidden = count === 0;
  $("jump").textContent = count === 1 ? "1 new message" : `${count} new messages`;
}

// --- people -------------------------------------------------------------------------------

for (const [event, verb] of [["joined", "joined"], ["left", "left"]]) {
  socket.on(event, (change) => {
    if (!joined) return;
    stopTyping(change.nickname);
    showPeople(change.online);
    appendNotice(`${change.nickname} ${verb}`, change.nickname);
  });
}

function showPeople(online) {
  const names = [...new Set(online)].sort((a, b) => a.localeCompare(b));
  $("people").replaceChildren(...names.map((name) => {
    const item = document.createElement("li");
    const avatar = document.createElement("span");
    avatar.className = "avatar";
    avatar.ariaHidden = "true";
    setAvatar(avatar, name);
    const label = document.createElement("span");
    label.className = "name";
    label.textContent = name;
    item.append(avatar, label);
    if (name === nickname) item.append(muted("you"));
    return item;
  }));
  $("people-count").textContent = `${names.length} online`;
}

function muted(text) {
  const element = document.createElement("span");
  element.className = "muted";
  element.textContent = text;
  return element;
}

function setAvatar(element, name) {
  let hue = 0;
  for (const character of name) hue = (hue * 31 + character.codePointAt(0)) % 360;
  element.style.setProperty("--hue", hue);
  element.textContent = [...name][0]?.toUpperCase() ?? "";
}

function togglePeople(open) {
  $("people-toggle").ariaExpanded = String(open);
}

$("people-toggle").addEventListener("click", () => togglePeople($("people-toggle").ariaExpanded !== "true"));
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || $("people-toggle").ariaExpanded !== "true") return;
  togglePeople(false);
  $("people-toggle").focus();
});
addEventListener("pointerdown", (event) => {
  if (!event.target.closest("#people-toggle, #people-panel")) togglePeople(false);
});

// --- typing -------------------------------------------------------------------------------

// Said again every few seconds while the user types, and taken back by whoever is silent:
// a lost "stopped typing" cannot stay on a screen.
const TYPING_REPEAT = 3_000;
const TYPING_IDLE = 2_500;
const TYPING_EXPIRES = 7_000;
let typingSaid = 0;
let typingIdle;
const typists = new Map();

function setTyping(typing) {
  clearTimeout(typingIdle);
  if (typing) typingIdle = setTimeout(setTyping, TYPING_IDLE, false);
  const due = typing ? Date.now() - typingSaid > TYPING_REPEAT : typingSaid !== 0;
  if (!joined || !due) return;
  typingSaid = typing ? Date.now() : 0;
  socket.emit("typing", typing);
}

socket.on("typing", ({ nickname: name, typing }) => {
  if (!joined) return;
  stopTyping(name);
  if (typing) typists.set(name, setTimeout(stopTyping, TYPING_EXPIRES, name));
  showTyping();
});

function stopTyping(name) {
  clearTimeout(typists.get(name));
  if (typists.delete(name)) showTyping();
}

function clearTyping() {
  typingSaid = 0;
  [...typists.keys()].forEach(stopTyping);
}

function showTyping() {
  const names = [...typists.keys()];
  const [first, second] = names;
  $("typing").textContent = [
    "",
    `${first} is typing…`,
    `${first} and ${second} are typing…`,
    "Several people are typing…",
  ][Math.min(names.length, 3)];
}

// --- screen -------------------------------------------------------------------------------

let bannerTimer;

function showBanner(state, text) {
  clearTimeout(bannerTimer);
  $("chat").dataset.connection = state;
  $("banner").textContent = text;
  if (state === "back") bannerTimer = setTimeout(showBanner, 3_000, "", "");
}

function showChat() {
  setAvatar($("me-avatar"), nickname);
  $("me-name").textContent = nickname;
  if (!$("chat").hidden) return;
  showBanner("", "");
  $("welcome").hidden = true;
  $("chat").hidden = false;
  showRoom();
  // On a touch screen this would open the keyboard over the conversation.
  if (matchMedia("(hover: hover)").matches) $("text").focus();
}

function showRemaining() {
  const left = $("text").maxLength - $("text").value.length;
  $("remaining").textContent = left <= 200 ? `${left} left` : "";
}

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (text === "") return;
  setTyping(false);
  send(text);
  $("text").value = "";
  showRemaining();
  $("text").focus();
});

$("text").addEventListener("input", () => {
  setTyping($("text").value.trim() !== "");
  showRemaining();
});

$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("composer").requestSubmit();
});

$("leave").addEventListener("click", () => leave());

$("welcome-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("nickname").value.trim();
  localStorage.setItem(NICKNAME_KEY, name);
  enter(name);
});

const asked = new URLSearchParams(location.search).get("nick");
$("nickname").value = asked ?? localStorage.getItem(NICKNAME_KEY) ?? "";
if (asked) enter(asked);
else $("nickname").focus();
