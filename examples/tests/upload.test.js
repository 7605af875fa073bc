// Uploads files with the official client, and with the page in a real browser.
//
//   EXAMPLES      folder of the examples' binaries
//   CHROMIUM      path of the browser (default: the usual places)
//   SCREENSHOTS   folder to write pictures of the page to (default: none)

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { io } from "socket.io-client";

import { inBrowser, launch, newPage, picture, PHONE, STEP, step } from "./support/browser.js";
import { eventually, Example } from "./support/example.js";

const CHUNK = 65_536;

test("upload: with the official client", { timeout: 60_000 }, async (t) => {
  const server = await Example.start(t, "upload");
  const client = (options) => connect(t, server, options);

  for (const transport of ["websocket", "polling"]) {
    await step(t, `a file goes up by ${transport}, everyone is told, and it comes down again`, async () => {
      const [ada, bo] = [await client({ transports: [transport] }), await client()];
      const body = randomBytes(5 * CHUNK + 123);
      const told = [once(ada, "file:added"), once(bo, "file:added")];
      const started = await start(ada, "data.bin", body.length);
      assert.equal(started.chunkBytes, CHUNK);
      await send(ada, started.id, body);
      for (const [file] of await Promise.all(told)) {
        assert.equal(file.id, started.id);
        assert.equal(file.name, "data.bin");
        assert.equal(file.size, body.length);
        assert.equal(file.type, "application/x-test");
        assert.ok(!("token" in file));
      }
      const counted = once(bo, "file:downloaded");
      const response = await get(server, started.id, "data.bin");
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("content-length"), String(body.length));
      assert.ok(Buffer.from(await response.arrayBuffer()).equals(body));
      assert.deepEqual(await counted, [started.id, 1]);
      const { files } = await bo.emitWithAck("file:list");
      assert.deepEqual(files.filter(({ id }) => id === started.id).map(({ downloads }) => downloads), [1]);
    });
  }

  await step(t, "an upload goes on after a reconnect, for who has its token", async () => {
    const ada = await client({ reconnectionDelay: 10 });
    const bo = await client();
    const body = randomBytes(6 * CHUNK);
    const { id, token } = await start(ada, "resumed.bin", body.length);
    await send(ada, id, body, 0, 2);

    const back = once(ada, "connect");
    ada.io.engine.close();
    await back;
    assert.match((await chunk(ada, id, body, 2 * CHUNK)).error, /no such upload/);
    assert.match((await bo.emitWithAck("upload:resume", { id, token: "0".repeat(32) })).error, /no such upload/);
    assert.match((await bo.emitWithAck("upload:cancel", id)).error, /no such upload/);
    assert.deepEqual(await ada.emitWithAck("upload:resume", { id, token }), { ok: true, received: 2 * CHUNK });
    await send(ada, id, body, 2);
    // Its last answer could have been lost.
    assert.deepEqual(await ada.emitWithAck("upload:resume", { id, token }), { ok: true, received: body.length });
    await same(server, id, "resumed.bin", body);
  });

  await step(t, "a wrong chunk is refused, and the right one is still taken", async () => {
    const ada = await client();
    const body = randomBytes(CHUNK + 10);
    const { id } = await start(ada, "strict.bin", body.length);
    const refused = async (pattern, ...args) => {
      const answer = await ada.emitWithAck("upload:chunk", ...args);
      assert.equal(answer.ok, false);
      assert.match(answer.error, pattern);
    };
    await refused(/chunk at 0 was due, not at 65536/, id, CHUNK, body.subarray(CHUNK));
    await refused(/65536 bytes was due, not of 10/, id, 0, body.subarray(0, 10));
    await refused(/65536 bytes was due, not of 65546/, id, 0, body);
    await refused(/no such upload/, id + 1, 0, body.subarray(0, CHUNK));
    await send(ada, id, body);
    await refused(/no such upload/, id, body.length, Buffer.alloc(0));
    await same(server, id, "strict.bin", body);
  });

  await step(t, "what has no sense is answered, too", async () => {
    const ada = await client();
    for (const [event, ...args] of [
      ["upload:start"],
      ["upload:start", "a.txt"],
      ["upload:start", { name: "a.txt", size: -1, type: "" }],
      ["upload:chunk", 1, 0],
      ["upload:chunk", "1", 0, Buffer.alloc(1)],
      ["upload:chunk", 1, 0, { bytes: true }],
      ["upload:resume", { id: 1 }],
      ["upload:cancel", null],
    ]) {
      const answer = await ada.emitWithAck(event, ...args);
      assert.match(answer.error, /^bad argument/, event);
    }
  });

  await step(t, "what the server does not want is refused at the start", async () => {
    const ada = await client();
    const refused = async (pattern, name, size, type = "") => {
      const answer = await ada.emitWithAck("upload:start", { name, size, type });
      assert.equal(answer.ok, false);
      assert.match(answer.error, pattern);
    };
    await refused(/file is empty/, "a.txt", 0);
    await refused(/more than 20 MB/, "a.txt", 20_000_001);
    await refused(/file name/, "", 1);
    await refused(/file name/, "../a.txt", 1);
    await refused(/file name/, "..", 1);
    await refused(/file name/, "a\r\nSet-Cookie: b", 1);
    await refused(/type/, "a.txt", 1, "x".repeat(101));

    const { id } = await start(ada, "1.bin", 20_000_000);
    for (const name of ["2.bin", "3.bin", "4.bin"]) await start(ada, name, 20_000_000);
    await refused(/at most 4 uploads/, "5.bin", 1);
    assert.deepEqual(await ada.emitWithAck("upload:cancel", id), { ok: true });
    assert.match((await chunk(ada, id, Buffer.alloc(CHUNK), 0)).error, /no such upload/);
    await start(ada, "5.bin", 20_000_000);
    const bo = await client();
    await start(bo, "6.bin", 20_000_000);
    assert.match((await bo.emitWithAck("upload:start", { name: "a", size: 1, type: "" })).error, /hands full/);
    for (let upload = id; upload <= id + 5; upload += 1) {
      for (const socket of [ada, bo]) await socket.emitWithAck("upload:cancel", upload);
    }
  });

  await step(t, "a name comes back as it was, and does no harm", async () => {
    const ada = await client();
    const markup = '"; x="<svg onload=alert(1)>.html';
    for (const name of [markup, "100% a+b %41 #?&;.txt", " Ünï 😀.txt", "..a", "'`$(id)"]) {
      const { id } = await start(ada, name, 4);
      await send(ada, id, Buffer.from("<h1>"));
      const response = await get(server, id, name);
      assert.equal(response.status, 200, name);
      assert.equal(response.headers.get("content-type"), "application/octet-stream");
      assert.equal(response.headers.get("x-content-type-options"), "nosniff");
      const disposition = response.headers.get("content-disposition");
      const [, encoded] = /^attachment; filename="[\w .()-]*"; filename\*=UTF-8''([\w.%-]*)$/.exec(disposition);
      assert.equal(decodeURIComponent(encoded), name);
      assert.equal(await response.text(), "<h1>");
    }
    assert.equal((await fetch(`${server.url}/files/999999/a.txt`)).status, 404);
    assert.equal((await fetch(`${server.url}/files/x/a.txt`)).status, 404);
    assert.equal((await fetch(`${server.url}/files/1/other.bin`)).status, 404);
  });

  await step(t, "the oldest file makes room for the newest", async () => {
    const [ada, bo] = [await client(), await client()];
    const removed = [];
    bo.on("file:removed", (id) => removed.push(id));
    const before = (await bo.emitWithAck("file:list")).files;
    for (let number = before.length; number < 52; number += 1) {
      const { id } = await start(ada, `${number}.txt`, 1);
      await send(ada, id, Buffer.from("x"));
    }
    await eventually(() => assert.deepEqual(removed, [before[0].id, before[1].id]));
    const { files } = await bo.emitWithAck("file:list");
    assert.equal(files.length, 50);
    assert.equal(files[0].id, before[2].id);
    assert.equal((await get(server, before[0].id, before[0].name)).status, 404);
  });

  await step(t, "the server ends by itself in the middle of an upload", async () => {
    const sockets = [];
    for (const transport of ["websocket", "polling"]) {
      const socket = await client({ transports: [transport], reconnection: false });
      const { id } = await start(socket, "half.bin", 2 * CHUNK);
      await send(socket, id, Buffer.alloc(2 * CHUNK), 0, 1);
      sockets.push(socket);
    }
    const ends = sockets.map((socket) => once(socket, "disconnect"));
    await server.stop();
    for (const [reason] of await Promise.all(ends)) assert.equal(reason, "transport close");
  });
});

test("upload: with the page", inBrowser, async (t) => {
  const server = await Example.start(t, "upload");
  const browser = await launch(t);
  const problems = [];
  const open = (name, options) => openPage(browser, server, name, problems, options);
  const ada = await open("Ada", { colorScheme: "light" });
  const bo = await open("Bo", { ...PHONE, colorScheme: "light" });
  const shot = ({ page }, what) => picture(page, `upload-${what}`);

  await step(t, "the page says what it takes", async () => {
    await ada.page.locator("#limit", { hasText: "Up to 20 MB each" }).waitFor();
    await bo.page.locator("#limit", { hasText: "Up to 20 MB each" }).waitFor();
    await shot(ada, "empty-desktop");
    await shot(bo, "empty-phone");
  });

  const report = randomBytes(1_234_567);
  await step(t, "a chosen file is uploaded, and everyone can download it", async () => {
    await ada.choose({ "Annual report.pdf": report });
    await ada.upload("Annual report.pdf", "done").waitFor();
    assert.equal(await ada.progress("Annual report.pdf"), 1);
    assert.ok(report.equals(await bo.download("#files", "Annual report.pdf")));
    assert.ok(report.equals(await ada.download("#uploads", "Annual report.pdf")));
    await ada.file("Annual report.pdf").getByText("2 downloads").waitFor();
    await bo.file("Annual report.pdf").getByText("2 downloads").waitFor();
  });

  await step(t, "files dropped anywhere are uploaded, and what is refused says so", async () => {
    const files = await ada.page.evaluateHandle(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(["dropped"], "notes.txt", { type: "text/plain" }));
      transfer.items.add(new File([new Uint8Array(20_000_001)], "holiday.mov"));
      transfer.items.add(new File([], "nothing.txt"));
      return transfer;
    });
    await ada.page.dispatchEvent("main", "dragenter", { dataTransfer: files });
    await ada.page.locator("#drop.over").waitFor();
    await ada.page.dispatchEvent("main", "drop", { dataTransfer: files });
    await ada.page.locator("#drop:not(.over)").waitFor();
    await ada.upload("notes.txt", "done").waitFor();
    await ada.upload("holiday.mov", "failed").getByText("more than 20 MB").waitFor();
    await ada.upload("nothing.txt", "failed").getByText("the file is empty").waitFor();
    assert.equal((await bo.download("#files", "notes.txt")).toString(), "dropped");
    await ada.page.getByRole("button", { name: "Dismiss nothing.txt" }).click();
    await ada.upload("nothing.txt").waitFor({ state: "detached" });
    assert.equal(await bo.file("holiday.mov").count(), 0);
  });

  const bodies = {
    "Lake at dawn.jpg": randomBytes(1_800_000),
    "Interview with a very long name that does not fit into its row (2).wav": randomBytes(2_600_000),
    "backup.tar": randomBytes(2_100_000),
    "sketch.svg": randomBytes(300_000),
  };
  const [lake, interview, backup, sketch] = Object.keys(bodies);

  await step(t, "several files share the connection, and wait for their turn", async () => {
    ada.wire.hold(40);
    await ada.choose(bodies);
    await eventually(async () => {
      for (const name of [lake, interview, backup]) {
        const progress = await ada.progress(name);
        assert.ok(progress > 0 && progress < 1, `${name} is at ${progress}`);
      }
    });
    await ada.upload(sketch, "waiting").waitFor();
    assert.equal(await bo.file(lake).count(), 0);
  });

  await step(t, "pictures", async () => {
    if (!process.env.SCREENSHOTS) return;
    await bo.choose({ "IMG_2041.heic": randomBytes(700_000) });
    await bo.upload("IMG_2041.heic", "done").waitFor();
    for (const colorScheme of ["light", "dark"]) {
      for (const [somebody, size] of [[ada, "desktop"], [bo, "phone"]]) {
        await somebody.page.emulateMedia({ colorScheme });
        await shot(somebody, `busy-${size}-${colorScheme}`);
      }
    }
    for (const { page } of [ada, bo]) await page.emulateMedia({ colorScheme: "light" });
  });

  await step(t, "a cancelled upload is gone, and the next one has its turn", async () => {
    await ada.page.getByRole("button", { name: `Cancel ${backup}` }).click();
    await ada.upload(backup).waitFor({ state: "detached" });
    await ada.upload(sketch, "sending").waitFor();
    const mark = ada.wire.chunks();
    ada.wire.release();
    for (const name of [lake, interview, sketch]) await ada.upload(name, "done").waitFor();
    assert.ok(ada.wire.chunks() > mark);
    for (const name of [lake, interview, sketch]) {
      assert.ok(bodies[name].equals(await bo.download("#files", name)), name);
    }
    assert.equal(await bo.file(backup).count(), 0);
  });

  await step(t, "an upload that is cut off goes on where it was", async () => {
    const body = randomBytes(20 * CHUNK);
    ada.wire.hold(10);
    await ada.choose({ "cut off.bin": body });
    await eventually(async () => {
      assert.equal(await ada.progress("cut off.bin"), 0.5);
      // Four chunks, each a frame of text and one of bytes.
      assert.equal(ada.wire.held(), 8);
    });
    const mark = ada.wire.frames.length;
    await ada.offline();
    await ada.upload("cut off.bin", "paused").getByText("waits for the connection").waitFor();
    await shot(ada, "lost-desktop");
    await ada.online();
    await ada.upload("cut off.bin", "done").waitFor();
    const later = ada.wire.frames.slice(mark);
    assert.equal(later.filter((frame) => frame.includes("upload:resume")).length, 1);
    assert.equal(later.filter((frame) => frame.includes("upload:start")).length, 0);
    assert.equal(later.filter((frame) => frame.includes("upload:chunk")).length, 10);
    assert.ok(body.equals(await bo.download("#files", "cut off.bin")));
  });

  await step(t, "no request failed and no script threw", () => {
    assert.deepEqual(problems, []);
  });

  await step(t, "an upload starts over with a server that knows nothing of it", async () => {
    const body = randomBytes(10 * CHUNK);
    ada.wire.hold(5);
    await ada.choose({ "again.bin": body });
    await eventually(async () => assert.equal(await ada.progress("again.bin"), 0.5));
    await server.kill();
    await ada.upload("again.bin", "paused").waitFor();
    ada.wire.release();
    await server.start();
    await ada.upload("again.bin", "done").waitFor({ timeout: 2 * STEP });
    await ada.upload(lake).getByText("not on the server any more").waitFor();
    await bo.file("again.bin").waitFor({ timeout: 2 * STEP });
    assert.equal(await bo.page.locator("#files li").count(), 1);
    assert.ok(body.equals(await bo.download("#files", "again.bin")));
  });
});

// --- the official client ------------------------------------------------------------------

async function connect(t, server, options) {
  const socket = io(server.url, { transports: ["websocket"], forceNew: true, ...options });
  t.after(() => socket.close());
  await once(socket, "connect");
  return socket;
}

async function start(socket, name, size) {
  const answer = await socket.emitWithAck("upload:start", { name, size, type: "application/x-test" });
  assert.equal(answer.ok, true, answer.error);
  assert.match(answer.token, /^[0-9a-f]{32}$/);
  return answer;
}

function chunk(socket, id, body, offset) {
  return socket.emitWithAck("upload:chunk", id, offset, body.subarray(offset, offset + CHUNK));
}

/** Sends the chunks from one to before another, all at once. */
async function send(socket, id, body, first = 0, end = Math.ceil(body.length / CHUNK)) {
  const answers = [];
  for (let index = first; index < end; index += 1) answers.push(chunk(socket, id, body, index * CHUNK));
  const expected = answers.map((_, index) => {
    return { ok: true, received: Math.min(body.length, (first + index + 1) * CHUNK) };
  });
  assert.deepEqual(await Promise.all(answers), expected);
}

function get(server, id, name) {
  return fetch(`${server.url}/files/${id}/${encodeURIComponent(name)}`);
}

async function same(server, id, name, body) {
  const response = await get(server, id, name);
  assert.ok(Buffer.from(await response.arrayBuffer()).equals(body));
}

// --- the page -----------------------------------------------------------------------------

/** Somebody at a page of their own, connected by WebSocket. */
async function openPage(browser, server, name, problems, options) {
  const page = await newPage(browser, name, problems, options);
  const wire = await tapWire(page);
  await page.goto(server.url);
  await wire.upgraded;
  const named = (selector, text) =>
    page.locator(selector, { has: page.locator(".name").getByText(text, { exact: true }) });

  return {
    page,
    wire,

    async choose(files) {
      const payloads = Object.entries(files).map(([name, buffer]) => ({ name, buffer, mimeType: "" }));
      await page.getByLabel("Drop files here").setInputFiles(payloads);
    },

    upload(name, phase) {
      return named(phase ? `.upload[data-phase=${phase}]` : ".upload", name);
    },

    file(name) {
      return named(".file", name);
    },

    progress(name) {
      return page.getByRole("progressbar", { name, exact: true }).evaluate((element) => element.value);
    },

    async download(list, name) {
      const event = page.waitForEvent("download");
      await page.locator(list).getByRole("link", { name: `Download ${name}`, exact: true }).click();
      const download = await event;
      assert.equal(download.suggestedFilename(), name);
      return readFile(await download.path());
    },

    /** Loses the connection, and has none until it is online again. */
    async offline() {
      await page.context().setOffline(true);
      wire.cut();
    },

    async online() {
      wire.release();
      await page.context().setOffline(false);
    },
  };
}

/** Sees what the page sends by WebSocket, and can hold or cut it. */
async function tapWire(page) {
  const frames = [];
  let allowed = Infinity;
  let held = [];
  let connection = null;
  let isUpgraded;
  const upgraded = new Promise((resolve) => (isUpgraded = resolve));
  await page.routeWebSocket(/\/socket\.io\//, (socket) => {
    const server = socket.connectToServer();
    connection = { socket, server };
    socket.onMessage((frame) => {
      frames.push(String(frame));
      // "5" is the packet with which Engine.IO moves to the new transport.
      if (frame === "5") isUpgraded();
      if (isChunk(frame)) allowed -= 1;
      if (allowed < 0) held.push(() => server.send(frame));
      else server.send(frame);
    });
  });
  return { frames, upgraded, hold, held: () => held.length, release, cut, chunks };

  /** Lets so many chunks pass, and then nothing. */
  function hold(count) {
    allowed = count;
  }

  function release() {
    allowed = Infinity;
    for (const send of held.splice(0)) send();
  }

  function cut() {
    held = [];
    connection.socket.close();
    connection.server.close();
  }

  function chunks() {
    return frames.filter(isChunk).length;
  }
}

function isChunk(frame) {
  return String(frame).includes("upload:chunk");
}
