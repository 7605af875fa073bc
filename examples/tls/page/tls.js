// The page over TLS: how it is connected, and how long an acknowledgement takes.
//
// To the server:
//   hello                → { address }
//   echo      anything   → the same
// From the server, to everyone:
//   online    how many clients there are

const EVERY = 500;
const KEPT = 60;

const $ = (id) => document.getElementById(id);

if (!window.io) {
  $("verdict").textContent = "The Socket.IO client did not load from this server.";
  throw new Error("/socket.io/socket.io.js is missing");
}
const socket = window.io({ reconnectionDelay: 500, reconnectionDelayMax: 3_000 });

// --- connection ---------------------------------------------------------------------------

socket.on("connect", async () => {
  showConnection();
  socket.io.engine.on("upgrade", showConnection);
  const { address } = await socket.emitWithAck("hello").catch(() => ({}));
  if (address) $("address").textContent = address;
});

socket.on("disconnect", () => {
  show("lost", "Connection lost,", "reconnecting…");
  // The client reconnects by itself unless the server closed the connection on purpose.
  if (!socket.active) setTimeout(() => socket.connect(), 1_000);
});

socket.on("connect_error", () => {
  show("lost", "No answer, still trying.", "If the server came back with a new certificate, reload the page.");
});

socket.on("online", (count) => {
  $("online").textContent = `${count} online`;
  $("online").hidden = false;
});

function showConnection() {
  const { transport } = socket.io.engine;
  const isSecure = transport.opts.secure;
  const scheme = { polling: "http", websocket: "ws" }[transport.name] + (isSecure ? "s" : "");
  $("protocol").textContent = scheme;
  $("transport").textContent = { polling: "long-polling", websocket: "WebSocket" }[transport.name];
  if (isSecure) show("secure", "Encrypted with TLS.", `Events travel by ${scheme}.`);
  else show("lost", "Not encrypted.", `Events travel by ${scheme}.`);
}

function show(state, verdict, explanation) {
  document.querySelector("main").dataset.state = state;
  $("verdict").textContent = verdict;
  $("explanation").textContent = explanation;
}

const [navigation] = performance.getEntriesByType("navigation");
$("http").textContent = `${location.protocol.slice(0, -1)}, ${navigation.nextHopProtocol || "?"}`;

for (const radio of document.querySelectorAll("[name=transports]")) {
  radio.addEventListener("change", () => {
    socket.io.opts.transports = radio.value.split(",");
    socket.disconnect().connect();
  });
}

// --- round-trip time ----------------------------------------------------------------------

const times = [];

async function measure() {
  if (!socket.connected) return;
  const start = performance.now();
  try {
    await socket.timeout(5_000).emitWithAck("echo", start);
  } catch {
    return;
  }
  times.push(performance.now() - start);
  if (times.length > KEPT) times.shift();
  showTimes();
}

/** One after the other, also if an answer takes longer than the pause. */
async function measureForEver() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, EVERY));
    await measure();
  }
}

function showTimes() {
  const last = times[times.length - 1];
  const sorted = [...times].sort((a, b) => a - b);
  const median = sorted[times.length >> 1];
  $("last").textContent = milliseconds(last);
  $("median").textContent = milliseconds(median);

  // The odd peak may leave the chart: it would make everything else flat.
  const top = scaleOver(sorted[Math.floor((times.length - 1) * 0.9)]);
  const step = 600 / (KEPT - 1);
  const points = times.map((time, index) => {
    const x = 600 - (times.length - 1 - index) * step;
    return `${x.toFixed(1)} ${(160 - (time / top) * 160).toFixed(1)}`;
  });
  $("line").setAttribute("d", `M${points.join("L")}${times.length === 1 ? "h0" : ""}`);
  const start = points[0].split(" ")[0];
  $("area").setAttribute("d", `M${start} 160L${points.join("L")}L600 160Z`);
  $("top").textContent = `${top} ms`;
  $("chart").ariaLabel = `The last ${times.length} round-trip times, median ${milliseconds(median)}`;
}

/** The next of 1, 2, 5, 10, 20, 50 … */
function scaleOver(value) {
  const magnitude = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 5, 10].map((factor) => factor * magnitude).find((scale) => scale >= value);
}

function milliseconds(value) {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

measureForEver();
