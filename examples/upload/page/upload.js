// The upload page: files go up in chunks, each answered before the window moves on.
//
// To the server, each answered with `{ ok: true, … }` or `{ ok: false, error }`:
//   file:list                                → { files, fileBytes }
//   upload:start    { name, size, type }     → { id, token, chunkBytes }
//   upload:chunk    id, offset, bytes        → { received }
//   upload:resume   { id, token }            → { received }
//   upload:cancel   id                       → { }
// From the server, to everyone:
//   file:added      { id, name, size, type, time, downloads }
//   file:downloaded id, downloads
//   file:removed    id

const UPLOADS_AT_ONCE = 3;
const CHUNKS_AT_ONCE = 4;
const SPEED_OVER = 2_000;

const $ = (id) => document.getElementById(id);

if (!window.io) {
  $("connection").textContent = "The Socket.IO client did not load from this server.";
  throw new Error("/socket.io/socket.io.js is missing");
}
const socket = window.io({
  reconnectionDelay: 500,
  reconnectionDelayMax: 3_000,
  // An upload goes on by WebSocket, without the detour of polling, where bytes travel as base64.
  rememberUpgrade: true,
});

// --- connection ---------------------------------------------------------------------------

socket.on("connect", async () => {
  showConnection("on", "Connected");
  try {
    const { files, fileBytes } = await ask("file:list");
    $("limit").textContent = `Up to ${bytes(fileBytes)} each. Everyone who has this page open can get them.`;
    $("files").replaceChildren();
    files.forEach(addFile);
    showCount();
    // The server may be another one by now, with other files under the same ids.
    for (const upload of uploads.filter(isDone)) {
      if (!files.some(({ id, name }) => id === upload.id && name === upload.file.name)) showRemoved(upload);
    }
  } catch {
    // The connection is lost again, and the next one asks again.
  }
});

socket.on("disconnect", () => {
  showConnection("off", "Connection lost, reconnecting…");
  // The client reconnects by itself unless the server closed the connection on purpose.
  if (!socket.active) setTimeout(() => socket.connect(), 1_000);
});

socket.on("connect_error", () => showConnection("off", "The server is not answering, still trying…"));

function showConnection(state, text) {
  $("connection").dataset.state = state;
  $("connection").textContent = text;
}

class ConnectionLost extends Error {}

/** Asks the server. There is no timeout: when the connection is lost, so is the answer. */
async function ask(event, ...args) {
  // The client would keep the question for the next connection.
  if (!socket.connected) throw new ConnectionLost();
  const answer = await socket.emitWithAck(event, ...args).catch(() => {
    throw new ConnectionLost();
  });
  if (!answer.ok) throw new Error(answer.error);
  return answer;
}

function connected() {
  return new Promise((resolve) => (socket.connected ? resolve() : socket.once("connect", resolve)));
}

// --- uploads ------------------------------------------------------------------------------

// { file, row, phase, id, token, chunkBytes, received, progress }, where `phase` is one of
// waiting, sending, paused, done, failed, cancelled.
const uploads = [];

function add(files) {
  const added = [...files].map((file) => {
    const row = $("upload-template").content.firstElementChild.cloneNode(true);
    const upload = { file, row, received: 0, progress: [] };
    row.querySelector(".name").textContent = file.name;
    row.querySelector("progress").ariaLabel = file.name;
    row.querySelector(".retry").ariaLabel = `Retry ${file.name}`;
    row.querySelector(".retry").onclick = () => wait(upload);
    row.querySelector(".cancel").onclick = () => cancel(upload);
    return upload;
  });
  uploads.push(...added);
  $("uploads").prepend(...added.map(({ row }) => row));
  added.forEach(wait);
}

function wait(upload) {
  setPhase(upload, "waiting");
  startNext();
}

function startNext() {
  const active = uploads.filter(isActive).length;
  const waiting = uploads.filter(({ phase }) => phase === "waiting");
  for (const upload of waiting.slice(0, Math.max(0, UPLOADS_AT_ONCE - active))) run(upload);
}

const isActive = ({ phase }) => phase === "sending" || phase === "paused";
const isDone = ({ phase }) => phase === "done";

/** Uploads a file, over as many connections as it takes. */
async function run(upload) {
  setPhase(upload, socket.connected ? "sending" : "paused");
  while (isActive(upload)) {
    await connected();
    try {
      if (isActive(upload)) await open(upload);
      if (isActive(upload)) await send(upload);
      if (isActive(upload)) setPhase(upload, "done");
    } catch (error) {
      if (!isActive(upload)) break;
      if (error instanceof ConnectionLost) setPhase(upload, "paused");
      else setPhase(upload, "failed", error.message);
    }
  }
  startNext();
}

/** Begins an upload, or goes on with it where the server is. */
async function open(upload) {
  const { file, id, token } = upload;
  if (id !== undefined) {
    try {
      const { received } = await ask("upload:resume", { id, token });
      return setReceived(upload, received);
    } catch (error) {
      if (error instanceof ConnectionLost) throw error;
      // The server has dropped it, so it starts over.
    }
  }
  forget(upload);
  const started = await ask("upload:start", { name: file.name, size: file.size, type: file.type });
  Object.assign(upload, { id: started.id, token: started.token, chunkBytes: started.chunkBytes });
  // Its answer was on the way when the upload was cancelled.
  if (!isActive(upload)) cancelOnServer(upload);
}

/** Sends what is missing, with a few chunks under way. */
async function send(upload) {
  const { file, id, chunkBytes } = upload;
  setPhase(upload, "sending");
  let offset = upload.received;
  const answers = [];
  while (upload.received < file.size && isActive(upload)) {
    while (offset < file.size && answers.length < CHUNKS_AT_ONCE) {
      const chunk = await read(file.slice(offset, offset + chunkBytes));
      const answer = ask("upload:chunk", id, offset, chunk);
      // Whoever fails first is heard, the others are not.
      answer.catch(() => {});
      answers.push(answer);
      offset += chunk.byteLength;
    }
    const { received } = await answers.shift();
    setReceived(upload, received);
  }
}

async function read(blob) {
  try {
    return await blob.arrayBuffer();
  } catch {
    throw new Error("it cannot be read");
  }
}

function cancel(upload) {
  if (isActive(upload)) cancelOnServer(upload);
  upload.phase = "cancelled";
  upload.row.remove();
  uploads.splice(uploads.indexOf(upload), 1);
  startNext();
}

function cancelOnServer({ id }) {
  // Without a connection the server drops it by itself.
  if (id !== undefined && socket.connected) socket.emit("upload:cancel", id);
}

function forget(upload) {
  upload.id = undefined;
  setReceived(upload, 0);
}

function setReceived(upload, received) {
  upload.received = received;
  const now = performance.now();
  upload.progress.push({ time: now, received });
  while (now - upload.progress[0].time > SPEED_OVER) upload.progress.shift();
  show(upload);
}

function setPhase(upload, phase, error = "") {
  if (phase !== upload.phase) upload.progress = [{ time: performance.now(), received: upload.received }];
  upload.phase = phase;
  upload.error = error;
  if (phase === "failed") forget(upload);
  if (phase === "done") announce(`${upload.file.name} is uploaded`);
  if (phase === "failed") announce(`${upload.file.name} is not uploaded: ${error}`);
  show(upload);
}

function announce(text) {
  $("news").textContent = text;
}

function show({ file, row, phase, id, received, progress, error }) {
  const of = `${bytes(received)} of ${bytes(file.size)}`;
  row.dataset.phase = phase;
  row.querySelector("progress").value = received / (file.size || 1);
  row.querySelector(".state").textContent = {
    waiting: `Waiting · ${bytes(file.size)}`,
    sending: of,
    paused: `${of} · waits for the connection`,
    done: `${bytes(file.size)} · uploaded`,
    failed: `Not uploaded: ${error}.`,
  }[phase];

  const elapsed = performance.now() - progress[0]?.time;
  const speed = (received - progress[0]?.received) / (elapsed / 1_000);
  row.querySelector(".speed").textContent = phase === "sending" && elapsed > 200 ? `· ${bytes(speed)}/s` : "";

  const isOver = phase === "done" || phase === "failed";
  row.querySelector(".cancel").textContent = isOver ? "Dismiss" : "Cancel";
  row.querySelector(".cancel").ariaLabel = `${isOver ? "Dismiss" : "Cancel"} ${file.name}`;
  row.querySelector(".retry").hidden = phase !== "failed";
  row.querySelector(".get").hidden = phase !== "done";
  if (phase === "done") setLink(row.querySelector(".get"), { id, name: file.name });
}

function showRemoved({ row }) {
  row.querySelector(".get").hidden = true;
  row.querySelector(".state").textContent = "Uploaded, but not on the server any more.";
}

addEventListener("beforeunload", (event) => {
  if (uploads.some((upload) => isActive(upload) || upload.phase === "waiting")) event.preventDefault();
});

// --- files on the server ------------------------------------------------------------------

socket.on("file:added", (file) => {
  addFile(file);
  showCount();
});

socket.on("file:removed", (id) => {
  fileRow(id)?.remove();
  showCount();
  const upload = uploads.filter(isDone).find((own) => own.id === id);
  if (upload) showRemoved(upload);
});

socket.on("file:downloaded", (id, downloads) => {
  const row = fileRow(id);
  if (row) showDownloads(row, downloads);
});

const fileRow = (id) => $("files").querySelector(`[data-id="${Number(id)}"]`);

/** Shows a file once, the newest first. */
function addFile(file) {
  if (fileRow(file.id)) return;
  const row = $("file-template").content.firstElementChild.cloneNode(true);
  row.dataset.id = file.id;
  row.querySelector(".kind").textContent = kindOf(file.name);
  row.querySelector(".name").textContent = file.name;
  row.querySelector(".name").title = file.type;
  row.querySelector(".size").textContent = bytes(file.size);
  const time = row.querySelector("time");
  time.dateTime = new Date(file.time).toISOString();
  time.textContent = clock.format(file.time);
  time.title = calendar.format(file.time);
  setLink(row.querySelector(".get"), file);
  showDownloads(row, file.downloads);
  $("files").prepend(row);
}

function showDownloads(row, downloads) {
  row.querySelector(".downloads").textContent =
    ["", " · 1 download"][downloads] ?? ` · ${downloads} downloads`;
}

function showCount() {
  $("count").textContent = $("files").childElementCount || "";
}

function setLink(link, { id, name }) {
  link.href = `/files/${Number(id)}/${encodeURIComponent(name)}`;
  link.download = name;
  link.ariaLabel = `Download ${name}`;
}

/** The ending of a name, if it is short enough to stand on a small square. */
function kindOf(name) {
  const ending = /.\.([a-z0-9]{1,4})$/i.exec(name);
  return ending ? ending[1].toUpperCase() : "";
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

function bytes(count) {
  const [value, unit] =
    count < 1_000 ? [count, "B"] : count < 1_000_000 ? [count / 1_000, "kB"] : [count / 1_000_000, "MB"];
  return `${value < 10 && unit !== "B" ? value.toFixed(1).replace(".0", "") : Math.round(value)} ${unit}`;
}

// --- choosing and dropping ----------------------------------------------------------------

$("chooser").addEventListener("change", () => {
  add($("chooser").files);
  $("chooser").value = "";
});

// All of the page takes files: what misses the square would make the browser leave.
let dragged = 0;
addEventListener("dragenter", () => setDragged(dragged + 1));
addEventListener("dragleave", () => setDragged(dragged - 1));
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  setDragged(0);
  add(event.dataTransfer.files);
});

function setDragged(count) {
  dragged = Math.max(0, count);
  $("drop").classList.toggle("over", dragged > 0);
}
