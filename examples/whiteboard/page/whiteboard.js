// The whiteboard page: one drawing that everyone shares, over one Socket.IO connection.
//
// To the server, each answered with `{ ok: true, … }` or `{ ok: false, error }`:
//   join     nickname                   → { person, nickname, people, drawing }
//   stroke   { colour, width, points }  → { id }
//   extend   points                       (of the stroke under way)
//   undo                                → { id }
//   clear
//   cursor   x, y                         (volatile, not answered)
// From the server:
//   stroke   { id, colour, width, points }
//   extend   { id, points }
//   removed  ids
//   cleared  { nickname }
//   cursor   { person, nickname, x, y }
//   joined, left  { person, nickname, people }
//
// `points` are pairs of 16-bit numbers, `drawing` is packed strokes; see `unpack`.

const COLOURS = ["Eraser", "Ink", "Grey", "Red", "Orange", "Yellow", "Green", "Blue", "Violet"];
// Parts of the board's width. The eraser is wider.
const WIDTHS = { Fine: 0.0025, Medium: 0.006, Broad: 0.014, "Very broad": 0.034 };
const ERASER = 0;
const ERASER_FACTOR = 2.5;

// The right and the lower edge of the board, however many pixels it has on a screen.
const EDGE = 65_535;
// Its width to its height, as in the stylesheet.
const ASPECT = 5 / 4;
const MESSAGE_POINTS = 256;
const STROKE_POINTS = 4_096;
// Points nearer to each other than this make no difference.
const NEAR = EDGE / 1_500;
const KEY_STEP = EDGE / 100;
const PNG_WIDTH = 2_400;

const ANSWER_WITHIN = 8_000;
const CURSOR_EVERY = 40;
const CURSOR_EXPIRES = 6_000;
const NICKNAME_KEY = "whiteboard.nickname";

const $ = (id) => document.getElementById(id);

if (!window.io) {
  $("banner").textContent = "The Socket.IO client did not load from this server.";
  throw new Error("/socket.io/socket.io.js is missing");
}
const socket = window.io({ autoConnect: false, reconnectionDelay: 500, reconnectionDelayMax: 3_000 });

let nickname;
// What the server has confirmed: `joined` is false until it answers `join`.
let joined = false;
let attempt = 0;
let interrupted = false;

// The drawing: { id, colour, width, points }, points as x, y, x, y, … Strokes of others are in the
// order of their ids; own ones that the server has not acknowledged have no id and come last, as
// they will be later than all that has arrived.
let strokes = [];
// The own stroke under way, how many of its points were sent, and the pointer that draws it.
let current = null;
let sent = 0;
let pointer = null;

// --- connection ---------------------------------------------------------------------------

socket.on("connect", join);

socket.on("disconnect", () => {
  joined = false;
  interrupted = true;
  current = null;
  $("board").ariaBusy = "true";
  $("cursors").replaceChildren();
  showBanner("lost", "Connection lost, reconnecting…");
  // The client reconnects by itself unless the server closed the connection on purpose.
  if (!socket.active) setTimeout(() => socket.connect(), 1_000);
});

socket.on("connect_error", () => {
  interrupted = true;
  showBanner("lost", "The server is not answering, still trying…");
});

/** Enters as `nickname`: at first, under a new one, and after every reconnection. */
async function join() {
  const mine = ++attempt;
  end();
  let answer;
  try {
    answer = await socket.timeout(ANSWER_WITHIN).emitWithAck("join", nickname);
  } catch {
    if (mine === attempt && socket.connected) join();
    return;
  }
  if (mine !== attempt) return;
  if (!answer.ok) return showNote(`That is no name: ${answer.error}.`);

  // Own strokes that were begun after asking are not in the answer. A reconnection starts afresh.
  const unacknowledged = joined ? strokes.filter((stroke) => stroke.id === null) : [];
  strokes = [...unpack(answer.drawing), ...unacknowledged];
  joined = true;
  nickname = answer.nickname;
  $("nickname").value = nickname;
  $("board").ariaBusy = "false";
  showPeople(answer.people);
  redraw();
  if (interrupted) showBanner("back", "Back online");
  interrupted = false;
}

/** Asks the server; what it refuses, or does not answer, is said. Gives its answer if it is `ok`. */
async function ask(event, ...args) {
  if (!joined) return null;
  try {
    const answer = await socket.timeout(ANSWER_WITHIN).emitWithAck(event, ...args);
    if (answer.ok) return answer;
    showNote(`Not done: ${answer.error}.`);
  } catch {
    if (socket.connected) showNote("Not done: no answer from the server.");
  }
  return null;
}

// --- binary -------------------------------------------------------------------------------

/** Reads packed strokes: id (8 bytes), colour (1), width (1), number of points (2), points. */
function unpack(buffer) {
  const view = new DataView(buffer);
  const unpacked = [];
  for (let at = 0; at < view.byteLength; ) {
    const id = Number(view.getBigUint64(at, true));
    const [colour, width] = [view.getUint8(at + 8), view.getUint8(at + 9)];
    const end = at + 12 + 4 * view.getUint16(at + 10, true);
    unpacked.push({ id, colour, width, points: unpackNumbers(view, at + 12, end) });
    at = end;
  }
  return unpacked;
}

function unpackNumbers(view, start = 0, end = view.byteLength) {
  const numbers = [];
  for (let at = start; at < end; at += 2) numbers.push(view.getUint16(at, true));
  return numbers;
}

function packNumbers(numbers) {
  const view = new DataView(new ArrayBuffer(2 * numbers.length));
  numbers.forEach((number, index) => view.setUint16(2 * index, number, true));
  return view.buffer;
}

// --- what others draw ---------------------------------------------------------------------

socket.on("stroke", ({ id, colour, width, points }) => {
  const place = strokes.findLastIndex((other) => other.id !== null) + 1;
  strokes.splice(place, 0, { id, colour, width, points: [] });
  append(strokes[place], unpackNumbers(new DataView(points)));
});

socket.on("extend", ({ id, points }) => {
  const stroke = strokes.find((other) => other.id === id);
  if (stroke) append(stroke, unpackNumbers(new DataView(points)));
});

socket.on("removed", (ids) => remove((stroke) => ids.includes(stroke.id)));

socket.on("cleared", ({ nickname: name }) => {
  // Own strokes without an id are later than this, as their acknowledgement is.
  remove((stroke) => stroke.id !== null);
  showNote(`${name} cleared the whiteboard`);
});

function remove(isGone) {
  if (current && isGone(current)) current = null;
  strokes = strokes.filter((stroke) => !isGone(stroke));
  redraw();
}

/**
 * Adds points to a stroke. Only the uppermost can be painted on; else strokes would change order. As edges
 * painted piece by piece are rough, everything is painted anew when a stroke begins and an own one ends.
 */
function append(stroke, points) {
  const from = stroke.points.length;
  for (const number of points) stroke.points.push(number);
  $("empty").hidden = true;
  if (from > 0 && stroke === strokes.at(-1)) paint(ink, stroke, from);
  else redraw();
}

// --- drawing ------------------------------------------------------------------------------

function begin(x, y) {
  const { colour, width } = chosen();
  current = { id: null, colour, width, points: [] };
  sent = 0;
  strokes.push(current);
  append(current, [x, y]);
  soon();
}

function draw(x, y) {
  const { points } = current;
  const [lastX, lastY] = points.slice(-2);
  if (Math.hypot(x - lastX, y - lastY) < NEAR) return;
  if (points.length === 2 * STROKE_POINTS) {
    end();
    begin(lastX, lastY);
  }
  append(current, [x, y]);
  soon();
}

function end() {
  if (!current) return;
  send();
  current = null;
  redraw();
}

/** Sends the points that were not sent; the first ones begin the stroke. */
function send() {
  const { colour, width, points } = current;
  while (sent < points.length) {
    const packed = packNumbers(points.slice(sent, sent + 2 * MESSAGE_POINTS));
    if (sent === 0) start(current, { colour, width, points: packed });
    else socket.emit("extend", packed);
    sent += 2 * MESSAGE_POINTS;
  }
  sent = points.length;
}

async function start(stroke, message) {
  const answer = await ask("stroke", message);
  if (answer) stroke.id = answer.id;
  else remove((other) => other === stroke);
}

const canvas = $("canvas");

/** Where a pointer is on the board. Past an edge it is at the edge. */
function place({ clientX, clientY }) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return [clamp(((clientX - left) / width) * EDGE), clamp(((clientY - top) / height) * EDGE)];
}

const clamp = (number) => Math.min(EDGE, Math.max(0, Math.round(number)));

canvas.addEventListener("pointerdown", (event) => {
  if (!joined || current || event.button !== 0) return;
  pointer = event.pointerId;
  canvas.setPointerCapture(pointer);
  movePen(...place(event), event.pointerType);
  begin(...pen);
});

canvas.addEventListener("pointermove", (event) => {
  if (current && event.pointerId !== pointer) return;
  movePen(...place(event), event.pointerType);
  if (!current) return;
  // A mouse or pencil moves more often than the screen is painted.
  const moves = event.getCoalescedEvents?.() ?? [];
  for (const move of moves.length > 0 ? moves : [event]) draw(...place(move));
});

// Follows every end of a pointer that was captured: up, cancelled, taken away.
canvas.addEventListener("lostpointercapture", () => {
  pointer = null;
  end();
});

canvas.addEventListener("pointerleave", () => $("pen").hidden = true);
canvas.addEventListener("focus", () => $("pen").hidden = !canvas.matches(":focus-visible"));
canvas.addEventListener("blur", () => {
  if (pointer === null) end();
  $("pen").hidden = true;
});

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

canvas.addEventListener("keydown", (event) => {
  if (event.key === " " && pointer === null) {
    event.preventDefault();
    if (current) end();
    else if (joined && !event.repeat) begin(...pen);
  }
  const arrow = ARROWS[event.key];
  if (!arrow || pointer !== null) return;
  event.preventDefault();
  const step = KEY_STEP * (event.shiftKey ? 5 : 1);
  movePen(clamp(pen[0] + arrow[0] * step), clamp(pen[1] + arrow[1] * step * ASPECT), "keyboard");
  if (current) draw(...pen);
});

addEventListener("keydown", (event) => {
  const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z";
  if (!isUndo || event.target.matches("#nickname") || $("clear-dialog").open) return;
  event.preventDefault();
  ask("undo");
});

// --- the pen, and where others have theirs ------------------------------------------------

let pen = [clamp(EDGE / 2), clamp(EDGE / 2)];
let penMoved = false;
let penSaid = 0;
moveTo($("pen"), ...pen);

function movePen(x, y, device) {
  pen = [x, y];
  penMoved = true;
  moveTo($("pen"), x, y);
  $("pen").hidden = device === "touch";
  soon();
}

function moveTo(element, x, y) {
  element.style.left = `${(x / EDGE) * 100}%`;
  element.style.top = `${(y / EDGE) * 100}%`;
}

let frame = null;

/** Says what there is to say when the screen is painted next: once for many moves. */
function soon() {
  frame ??= requestAnimationFrame(() => {
    frame = null;
    if (current) send();
    if (!joined || !penMoved) return;
    if (Date.now() - penSaid < CURSOR_EVERY) return soon();
    penMoved = false;
    penSaid = Date.now();
    socket.volatile.emit("cursor", ...pen);
  });
}

const cursorTimers = new Map();

socket.on("cursor", ({ person, nickname: name, x, y }) => {
  let cursor = $(`cursor-${person}`);
  if (!cursor) {
    cursor = document.createElement("span");
    cursor.id = `cursor-${person}`;
    cursor.className = "cursor";
    // The golden angle: people who came one after the other differ most.
    cursor.style.setProperty("--hue", (person * 137.5) % 360);
    cursor.append(document.createElement("span"));
    $("cursors").append(cursor);
  }
  cursor.firstElementChild.textContent = name;
  cursor.classList.toggle("at-right", x > EDGE * 0.8);
  moveTo(cursor, x, y);
  clearTimeout(cursorTimers.get(person));
  cursorTimers.set(person, setTimeout(hideCursor, CURSOR_EXPIRES, person));
});

function hideCursor(person) {
  clearTimeout(cursorTimers.get(person));
  cursorTimers.delete(person);
  $(`cursor-${person}`)?.remove();
}

socket.on("joined", ({ people }) => showPeople(people));

socket.on("left", ({ person, people }) => {
  hideCursor(person);
  showPeople(people);
});

function showPeople(people) {
  $("people").textContent = people === 1 ? "Only you" : `${people} people here`;
}

// --- painting -----------------------------------------------------------------------------

const ink = canvas.getContext("2d");
let inks = [];
let redrawing = null;

/** Paints a stroke from the point at this place on; with 0, all of it. */
function paint(context, { colour, width, points }, from = 0) {
  const { width: right, height: bottom } = context.canvas;
  const start = Math.max(0, from - 2);
  context.globalCompositeOperation = colour === ERASER ? "destination-out" : "source-over";
  context.strokeStyle = inks[colour];
  context.lineWidth = thickness(colour, width) * right;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  for (let at = start; at < points.length; at += 2) {
    const [x, y] = [(points[at] / EDGE) * right, (points[at + 1] / EDGE) * bottom];
    // A line of no length would not be seen.
    if (at === start) context.moveTo(x - 0.01, y);
    context.lineTo(x, y);
  }
  context.stroke();
}

function thickness(colour, width) {
  return Object.values(WIDTHS)[width] * (colour === ERASER ? ERASER_FACTOR : 1);
}

/** Paints everything, with the screen's next frame. */
function redraw() {
  $("empty").hidden = strokes.length > 0 || !joined;
  redrawing ??= requestAnimationFrame(paintAll);
}

function paintAll() {
  cancelAnimationFrame(redrawing);
  redrawing = null;
  ink.clearRect(0, 0, canvas.width, canvas.height);
  for (const stroke of strokes) paint(ink, stroke);
}

/** Gives the canvas the pixels that the screen has for it. */
function fit() {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((size) => Math.round(size * devicePixelRatio));
  if (canvas.width === width && canvas.height === height) return;
  canvas.width = width;
  canvas.height = height;
  // Now, as a resized canvas is empty.
  paintAll();
}

new ResizeObserver(fit).observe(canvas);
// A window that moves to another screen may have as much room there, in more pixels.
addEventListener("resize", fit);

function readInks() {
  inks = colours.map((label) => getComputedStyle(label).color);
  redraw();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", readInks);

$("save").addEventListener("click", () => {
  const picture = document.createElement("canvas");
  picture.width = PNG_WIDTH;
  picture.height = PNG_WIDTH / ASPECT;
  const context = picture.getContext("2d");
  for (const stroke of strokes) paint(context, stroke);
  context.globalCompositeOperation = "destination-over";
  context.fillStyle = getComputedStyle($("board")).backgroundColor;
  context.fillRect(0, 0, picture.width, picture.height);
  picture.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = "whiteboard.png";
    link.click();
    setTimeout(URL.revokeObjectURL, 10_000, link.href);
  });
});

// --- tools --------------------------------------------------------------------------------

function addChoices(name, labels, checked) {
  return labels.map((text, value) => {
    const input = document.createElement("input");
    Object.assign(input, { type: "radio", name, value, checked: value === checked });
    input.className = "hidden";
    const span = document.createElement("span");
    span.className = "hidden";
    span.textContent = text;
    const label = document.createElement("label");
    label.title = text;
    label.append(input, span);
    $(name).append(label);
    return label;
  });
}

const colours = addChoices("colours", COLOURS, 1);
colours.forEach((label, colour) => label.style.color = `var(--ink-${colour})`);
colours[ERASER].className = "eraser";
colours[ERASER].querySelector("span").className = "";
addChoices("widths", Object.keys(WIDTHS), 1);

function chosen() {
  const value = (name) => Number($(name).querySelector(":checked").value);
  return { colour: value("colours"), width: value("widths") };
}

function showChosen() {
  const { colour, width } = chosen();
  $("pen").style.setProperty("--thickness", thickness(colour, width));
  $("pen").style.color = `var(--ink-${colour})`;
}

$("tools").addEventListener("change", showChosen);
$("undo").addEventListener("click", () => ask("undo"));
$("clear").addEventListener("click", () => {
  $("clear-dialog").returnValue = "";
  $("clear-dialog").showModal();
});
$("clear-dialog").addEventListener("close", () => {
  if ($("clear-dialog").returnValue === "clear") ask("clear");
});

// --- screen -------------------------------------------------------------------------------

let bannerTimer;

function showBanner(state, text) {
  clearTimeout(bannerTimer);
  $("banner").dataset.state = state;
  $("banner").textContent = text;
  if (state !== "lost") bannerTimer = setTimeout(() => $("banner").textContent = "", 4_000);
}

function showNote(text) {
  if (socket.connected) showBanner("note", text);
}

$("me").addEventListener("submit", (event) => {
  event.preventDefault();
  $("nickname").blur();
});

$("nickname").addEventListener("change", () => {
  nickname = $("nickname").value.trim() || nickname;
  $("nickname").value = nickname;
  localStorage.setItem(NICKNAME_KEY, nickname);
  if (socket.connected) join();
});

const NAMES = ["Badger", "Crane", "Dormouse", "Fox", "Heron", "Lynx", "Marten", "Otter", "Robin", "Wren"];

nickname = new URLSearchParams(location.search).get("nick")
  ?? localStorage.getItem(NICKNAME_KEY)
  ?? NAMES[Math.floor(Math.random() * NAMES.length)];
$("nickname").value = nickname;
readInks();
showChosen();
socket.connect();
