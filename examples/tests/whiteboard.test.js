// The whiteboard: with the official client, and its page in a real browser.
//
//   EXAMPLES      folder of the examples' binaries
//   CHROMIUM      path of the browser (default: the usual places)
//   SCREENSHOTS   folder to write pictures of the page to (default: none)

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { io } from "socket.io-client";

import { inBrowser, launch, newPage, picture, DESKTOP, PHONE, STEP, step } from "./support/browser.js";
import { eventually, Example } from "./support/example.js";

const WIDE = { ...DESKTOP, colorScheme: "light" };

test("the official client draws", { timeout: 60_000 }, async (t) => {
  const server = await Example.start(t, "whiteboard");
  const connect = (options) => connectTo(t, server, options);

  await t.test("a stroke goes to the others as it is drawn, and to a newcomer as a whole", async (t) => {
    const [ada, bo] = [await connect(), await connect({ transports: ["polling"] })];
    assert.deepEqual(await ada.join("  Ada "), { person: 1, nickname: "Ada", people: 1, strokes: [] });
    const entered = ada.next("joined");
    assert.equal((await bo.join("Bo")).people, 2);
    assert.deepEqual(await entered, [{ person: 2, nickname: "Bo", people: 2 }]);

    const begun = bo.next("stroke");
    const { id } = await ada.ok("stroke", { colour: 3, width: 1, points: pack(0, 65535, 258, 1) });
    const [stroke] = await begun;
    assert.deepEqual({ ...stroke, points: unpackPoints(stroke.points) },
      { id, colour: 3, width: 1, points: [0, 65535, 258, 1] });
    const extended = bo.next("extend");
    await ada.ok("extend", pack(7, 8));
    const [more] = await extended;
    assert.deepEqual([more.id, unpackPoints(more.points)], [id, [7, 8]]);

    const second = await bo.ok("stroke", { colour: 0, width: 3, points: pack(5, 6) });
    const cy = await connect();
    assert.deepEqual((await cy.join("Cy")).strokes, [
      { id, colour: 3, width: 1, points: [0, 65535, 258, 1, 7, 8] },
      { id: second.id, colour: 0, width: 3, points: [5, 6] },
    ]);
  });

  await t.test("everyone undoes their own last stroke", async () => {
    const [ada, bo] = [await connect(), await connect()];
    await ada.ok("join", "Ada");
    await bo.ok("join", "Bo");
    const { id } = await ada.ok("stroke", LINE);
    const other = await bo.ok("stroke", LINE);
    const removals = [ada.next("removed"), bo.next("removed")];
    assert.deepEqual(await ada.ok("undo"), { id });
    assert.deepEqual(await Promise.all(removals), [[[id]], [[id]]]);
    await ada.refused("undo", "there is nothing of yours to undo");
    await ada.refused("extend", "there is no stroke under way", pack(1, 1));
    assert.deepEqual(await bo.ok("undo"), other);
  });

  await t.test("clear is for everyone, and told to everyone", async () => {
    const [ada, bo] = [await connect(), await connect()];
    await ada.ok("join", "Ada");
    await bo.ok("join", "Bo");
    await ada.ok("stroke", LINE);
    const told = [ada.next("cleared"), bo.next("cleared")];
    await bo.ok("clear");
    assert.deepEqual(await Promise.all(told), [[{ nickname: "Bo" }], [{ nickname: "Bo" }]]);
    assert.deepEqual((await ada.join("Ada")).strokes, []);
    await ada.refused("extend", "there is no stroke under way", pack(1, 1));
  });

  await t.test("past the bound the oldest strokes are dropped, for everyone", async () => {
    const [ada, bo] = [await connect(), await connect()];
    await ada.ok("join", "Ada");
    await bo.ok("join", "Bo");
    await ada.ok("clear");
    const dropped = [];
    bo.socket.on("removed", (ids) => dropped.push(...ids));
    const points = Buffer.alloc(1024, 1);
    const ids = [];
    for (let count = 0; count < 300; count++) {
      ids.push((await ada.ok("stroke", { colour: 1, width: 0, points })).id);
    }
    const { drawing } = await bo.ok("join", "Bo");
    assert.ok(drawing.length <= 256 * 1024 && drawing.length > 255 * 1024, `${drawing.length} bytes`);
    assert.deepEqual([...dropped, ...unpack(drawing).map((stroke) => stroke.id)], ids);
  });

  await t.test("a cursor is shown to the others, and a person counted while here", async () => {
    const [ada, bo] = [await connect(), await connect()];
    await ada.ok("join", "Ada");
    const { person, people } = await bo.ok("join", "Bo");
    // It is volatile, so one alone may be lost.
    const seen = ada.next("cursor");
    const moving = setInterval(() => bo.socket.emit("cursor", 1000, 65535), 20);
    const [cursor] = await seen;
    clearInterval(moving);
    assert.deepEqual(cursor, { person, nickname: "Bo", x: 1000, y: 65535 });

    const renamed = await bo.ok("join", "Bob");
    assert.deepEqual([renamed.person, renamed.nickname, renamed.people], [person, "Bob", people]);
    const left = ada.next("left", (leaver) => leaver.person === person);
    bo.socket.disconnect();
    assert.deepEqual(await left, [{ person, nickname: "Bob", people: people - 1 }]);
  });

  await t.test("what is wrong is refused and changes nothing", async () => {
    const [ada, bo] = [await connect(), await connect()];
    await ada.refused("stroke", "join first", LINE);
    await ada.refused("undo", "join first");
    await ada.refused("clear", "join first");
    await ada.refused("join", "a nickname is needed", " ");
    await ada.refused("join", "a nickname has at most 24 characters", "é".repeat(25));
    await ada.ok("join", "Ada");
    await ada.ok("clear");
    await bo.ok("join", "Bo");
    const heard = [];
    bo.socket.onAny((event) => heard.push(event));

    await ada.refused("stroke", "there is no such colour", { ...LINE, colour: 9 });
    await ada.refused("stroke", "there is no such width", { ...LINE, width: 4 });
    await ada.refused("stroke", "points are 4 bytes each", { ...LINE, points: Buffer.alloc(6) });
    await ada.refused("stroke", "a message has 1 to 256 points", { ...LINE, points: Buffer.alloc(0) });
    await ada.refused("stroke", "a message has 1 to 256 points", { ...LINE, points: Buffer.alloc(1028) });
    for (const malformed of [{ ...LINE, colour: 256 }, { ...LINE, width: -1 }, { colour: 1 }, null, "x"]) {
      const answer = await ada.ask("stroke", malformed);
      assert.ok(!answer.ok && typeof answer.error === "string", JSON.stringify(answer));
    }
    ada.socket.emit("cursor", 65_536, 0);
    ada.socket.emit("cursor", "left", "right");
    await ada.refused("extend", "there is no stroke under way", pack(1, 1));
    assert.deepEqual((await ada.join("Ada")).strokes, []);
    assert.deepEqual(heard, []);

    await ada.ok("stroke", { ...LINE, points: Buffer.alloc(1024) });
    for (let count = 1; count < 16; count++) await ada.ok("extend", Buffer.alloc(1024));
    await ada.refused("extend", "a stroke has at most 4096 points", pack(1, 1));
    await ada.refused("stroke", "there is no such colour", { ...LINE, colour: 9 });
    await ada.refused("extend", "there is no stroke under way", pack(1, 1));
    await eventually(() => assert.deepEqual(heard, ["stroke", ...Array(15).fill("extend")]));
  });
});

test("the page draws", inBrowser, async (t) => {
  const server = await Example.start(t, "whiteboard");
  const browser = await launch(t);
  const problems = [];
  const open = (nickname, options) => openPage(browser, server, nickname, problems, options);
  const shot = (page, what) => picture(page, `whiteboard-${what}`);
  let ada;
  let bo;
  let cy;

  await step(t, "whoever opens the page is on the board", async () => {
    ada = await open("Ada", WIDE);
    await ada.page.getByText("Draw something.").waitFor();
    await ada.sees("Only you");
    await shot(ada.page, "empty-desktop-light");
    bo = await open("Bo", { ...PHONE, colorScheme: "light" });
    await shot(bo.page, "empty-phone-light");
    for (const person of [ada, bo]) await person.sees("2 people here");
  });

  await step(t, "the canvas has the pixels of the screen", async () => {
    await ada.hasPixels(1);
    await bo.hasPixels(2);
  });

  await step(t, "a line is seen while it is drawn, on a screen of another size", async () => {
    await ada.choose("Red");
    await ada.choose("Broad");
    await ada.down(0.2, 0.25);
    await ada.move(0.5, 0.25);
    await bo.hasInk(0.35, 0.25, RED);
    await ada.page.locator("#pen:not([hidden])").waitFor();
    await ada.move(0.8, 0.25);
    await ada.up();
    for (const person of [ada, bo]) {
      await person.hasInk(0.7, 0.25, RED);
      await person.hasNoInk(0.7, 0.35);
    }
    await ada.page.getByText("Draw something.").waitFor({ state: "hidden" });
  });

  await step(t, "a cursor moves with its nickname", async () => {
    await ada.move(0.5, 0.5);
    const cursor = bo.page.locator(".cursor", { hasText: "Ada" });
    await cursor.waitFor();
    await eventually(async () => {
      const [board, { x, y }] = [await bo.board(), await cursor.boundingBox()];
      assert.ok(Math.abs((x - board.x) / board.width - 0.5) < 0.01, `x is ${x}`);
      assert.ok(Math.abs((y - board.y) / board.height - 0.5) < 0.01, `y is ${y}`);
    });
    await ada.page.getByLabel("You are").fill("Ada Lovelace");
    await ada.page.getByLabel("You are").press("Enter");
    await ada.move(0.6, 0.6);
    await bo.page.locator(".cursor", { hasText: "Ada Lovelace" }).waitFor();
  });

  await step(t, "a finger draws", async () => {
    await bo.choose("Blue");
    await bo.choose("Very broad");
    await bo.swipe([0.3, 0.6], [0.7, 0.6]);
    for (const person of [ada, bo]) await person.hasInk(0.5, 0.6, BLUE);
    assert.equal(await bo.page.evaluate(() => scrollX + scrollY + visualViewport.offsetTop), 0);
  });

  await step(t, "a newcomer gets the drawing as binary, and a resized page draws it again", async () => {
    cy = await open("Cy", { ...DESKTOP, colorScheme: "dark" });
    const drawing = cy.binary().find((frame) => frame.length > 24);
    assert.equal(unpack(drawing).length, 2);
    await cy.hasInk(0.7, 0.25, RED);
    await cy.hasInk(0.5, 0.6, BLUE);
    await cy.page.setViewportSize({ width: 800, height: 700 });
    await cy.hasInk(0.7, 0.25, RED);
    await cy.hasNoInk(0.7, 0.35);
    await cy.hasPixels(1);
    await cy.page.setViewportSize(DESKTOP.viewport);
  });

  await step(t, "the eraser erases, everywhere", async () => {
    await cy.choose("Eraser");
    await cy.line([0.7, 0.1], [0.7, 0.4]);
    for (const person of [ada, bo, cy]) {
      await person.hasNoInk(0.7, 0.25);
      await person.hasInk(0.3, 0.25, RED);
    }
  });

  await step(t, "undo takes back one's own last stroke only", async () => {
    await cy.page.getByRole("button", { name: "Undo" }).click();
    for (const person of [ada, bo, cy]) await person.hasInk(0.7, 0.25, RED);
    await cy.page.keyboard.press("Control+z");
    await cy.sees("Not done: there is nothing of yours to undo.");
    await ada.page.keyboard.press("Control+z");
    for (const person of [ada, bo, cy]) {
      await person.hasNoInk(0.7, 0.25);
      await person.hasInk(0.5, 0.6, BLUE);
    }
  });

  await step(t, "the keyboard draws", async () => {
    await ada.choose("Green");
    await ada.page.getByLabel("Whiteboard", { exact: true }).focus();
    await ada.move(0.5, 0.8);
    await ada.page.keyboard.press("Space");
    for (let count = 0; count < 4; count++) await ada.page.keyboard.press("Shift+ArrowRight");
    await ada.page.keyboard.press("Space");
    await ada.page.keyboard.press("Shift+ArrowRight");
    for (const person of [ada, bo, cy]) {
      await person.hasInk(0.6, 0.8, GREEN);
      await person.hasNoInk(0.74, 0.8);
    }
  });

  await step(t, "two who draw at once see the same order of strokes", async () => {
    await ada.choose("Red");
    await cy.choose("Yellow");
    await cy.choose("Very broad");
    await ada.down(0.2, 0.9);
    await ada.move(0.25, 0.9);
    await bo.hasInk(0.22, 0.9, RED);
    await cy.line([0.3, 0.85], [0.3, 0.95]);
    await ada.hasInk(0.3, 0.9, YELLOW);
    await ada.move(0.4, 0.9);
    for (const person of [ada, bo, cy]) {
      await person.hasInk(0.38, 0.9, RED);
      await person.hasInk(0.3, 0.9, YELLOW);
    }
    await ada.up();
    for (const person of [ada, bo, cy]) {
      await person.hasInk(0.38, 0.9, RED);
      await person.hasInk(0.3, 0.9, YELLOW);
    }
  });

  await step(t, "it is saved as PNG", async () => {
    const download = ada.page.waitForEvent("download");
    await ada.page.getByRole("button", { name: "Save as PNG" }).click();
    const file = await download;
    assert.equal(file.suggestedFilename(), "whiteboard.png");
    const png = await readFile(await file.path());
    assert.deepEqual([png.toString("latin1", 1, 4), png.readUInt32BE(16), png.readUInt32BE(20)], ["PNG", 2400, 1920]);
    const colours = await ada.page.evaluate(async (url) => {
      const image = await createImageBitmap(await (await fetch(url)).blob());
      const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
      context.drawImage(image, 0, 0);
      const at = (x, y) => [...context.getImageData(x * image.width, y * image.height, 1, 1).data];
      return [at(0.5, 0.6), at(0.05, 0.05)];
    }, `data:image/png;base64,${png.toString("base64")}`);
    assertColour(colours[0], BLUE);
    assert.deepEqual(colours[1], [255, 255, 255, 255]);
  });

  await step(t, "clear asks first, and clears for everyone", async () => {
    const dialog = bo.page.getByRole("dialog", { name: "Clear the whiteboard?" });
    await bo.page.getByRole("button", { name: "Clear", exact: true }).click();
    await shot(bo.page, "clear-phone-light");
    await dialog.getByRole("button", { name: "Keep it" }).click();
    await dialog.waitFor({ state: "hidden" });
    await bo.page.getByRole("button", { name: "Clear", exact: true }).click();
    await bo.page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    await bo.hasInk(0.5, 0.6, BLUE);
    await bo.page.getByRole("button", { name: "Clear", exact: true }).click();
    await dialog.getByRole("button", { name: "Clear for everyone" }).click();
    for (const person of [ada, bo, cy]) {
      await person.sees("Bo cleared the whiteboard");
      await person.hasNoInk(0.5, 0.6);
      await person.page.getByText("Draw something.").waitFor();
    }
  });

  await step(t, "pictures", async () => {
    if (!process.env.SCREENSHOTS) return;
    await sketch(ada);
    await bo.choose("Ink");
    await bo.choose("Medium");
    await bo.swipe([0.08, 0.9], [0.45, 0.93]);
    for (const [{ page }, others] of [[ada, [bo, cy]], [bo, [ada, cy]]]) {
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        for (const [index, other] of others.entries()) await other.point(0.86 - index * 0.5, 0.72);
        await page.locator(".cursor").nth(1).waitFor();
        await shot(page, `${page === bo.page ? "phone" : "desktop"}-${colorScheme}`);
      }
    }
    await ada.page.getByRole("button", { name: "Clear", exact: true }).click();
    await shot(ada.page, "clear-desktop-dark");
    await ada.page.keyboard.press("Escape");
    await bo.page.setViewportSize({ width: 844, height: 390 });
    await shot(bo.page, "landscape-dark");
    await bo.page.setViewportSize(PHONE.viewport);
  });

  await step(t, "no request failed and no script threw", () => {
    assert.deepEqual(problems, []);
  });

  await step(t, "the count goes down with who leaves", async () => {
    await cy.page.close();
    for (const person of [ada, bo]) await person.sees("2 people here");
  });

  await step(t, "a lost server is visible, and the pages come back", async () => {
    await server.kill();
    for (const person of [ada, bo]) await person.sees("Connection lost, reconnecting…");
    await shot(bo.page, "lost-phone");
    await server.start();
    const back = [ada, bo].map((person) => person.sees("Back online", { timeout: 2 * STEP }));
    await Promise.all(back);
    for (const person of [ada, bo]) await person.sees("2 people here");
    await bo.choose("Blue");
    await bo.swipe([0.2, 0.5], [0.8, 0.5]);
    for (const person of [ada, bo]) await person.hasInk(0.5, 0.5, BLUE);
  });
});

const RED = { red: true };
const BLUE = { blue: true };
const GREEN = { green: true };
const YELLOW = { red: true, green: true };
const LINE = { colour: 1, width: 0, points: pack(1, 2, 3, 4) };

function pack(...numbers) {
  const packed = Buffer.alloc(2 * numbers.length);
  numbers.forEach((number, index) => packed.writeUInt16LE(number, 2 * index));
  return packed;
}

function unpackPoints(packed) {
  return Array.from({ length: packed.length / 2 }, (_, index) => packed.readUInt16LE(2 * index));
}

function unpack(drawing) {
  const strokes = [];
  for (let at = 0; at < drawing.length; ) {
    const end = at + 12 + 4 * drawing.readUInt16LE(at + 10);
    strokes.push({
      id: Number(drawing.readBigUInt64LE(at)),
      colour: drawing[at + 8],
      width: drawing[at + 9],
      points: unpackPoints(drawing.subarray(at + 12, end)),
    });
    at = end;
  }
  return strokes;
}

/** A client without a page. */
async function connectTo(t, server, options = {}) {
  const socket = io(server.url, { forceNew: true, reconnection: false, ...options });
  t.after(() => socket.disconnect());
  await once(socket, "connect", { signal: AbortSignal.timeout(STEP) });
  const ask = (...args) => socket.timeout(STEP).emitWithAck(...args);
  return {
    socket,
    ask,

    async ok(...args) {
      const { ok, ...answer } = await ask(...args);
      assert.equal(ok, true, JSON.stringify(answer));
      return answer;
    },

    async refused(event, error, ...args) {
      assert.deepEqual(await ask(event, ...args), { ok: false, error });
    },

    async join(nickname) {
      const { drawing, ...rest } = await this.ok("join", nickname);
      assert.ok(Buffer.isBuffer(drawing));
      return { ...rest, strokes: unpack(drawing) };
    },

    /** The next event of this name that fits. */
    next(event, fits = () => true) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(reject, STEP, new Error(`no ${event}`));
        const listener = (...args) => {
          if (!fits(...args)) return;
          socket.off(event, listener);
          clearTimeout(timer);
          resolve(args);
        };
        socket.on(event, listener);
      });
    },
  };
}

/** A person at a page of their own. All places are parts of the board. */
async function openPage(browser, server, nickname, problems, options) {
  const page = await newPage(browser, nickname, problems, options);
  const binary = [];
  page.on("websocket", (socket) => {
    socket.on("framereceived", ({ payload }) => Buffer.isBuffer(payload) && binary.push(payload));
  });
  // With WebSocket alone all that is binary can be seen here.
  await page.route("**/socket.io.js", async (route) => {
    const response = await route.fetch();
    const limit = "\nconst open = io; window.io = (options) => open({ ...options, transports: ['websocket'] });";
    await route.fulfill({ response, body: (await response.text()) + limit });
  });
  await page.goto(`${server.url}/?nick=${nickname}`);
  await page.locator("#board[aria-busy=false]").waitFor();

  const board = () => page.locator("#canvas").boundingBox();
  const at = async (x, y) => {
    const box = await board();
    return [box.x + x * box.width, box.y + y * box.height];
  };
  const inkAt = (x, y) => page.locator("#canvas").evaluate((canvas, [x, y]) => {
    const context = canvas.getContext("2d");
    return [...context.getImageData(x * canvas.width, y * canvas.height, 1, 1).data];
  }, [x, y]);

  return {
    page,
    board,
    binary: () => binary,
    sees: (text, options) => page.getByText(text, { exact: true }).waitFor(options),
    choose: (name) => page.locator("#tools").locator("label", { has: page.getByText(name, { exact: true }) }).click(),

    async hasPixels(scale) {
      const pixels = await page.locator("#canvas").evaluate(({ width, height }) => [width, height]);
      const { width, height } = await board();
      assert.ok(Math.abs(pixels[0] - scale * width) <= 1 && Math.abs(pixels[1] - scale * height) <= 1, `${pixels}`);
    },
    hasInk: (x, y, colour) => eventually(async () => assertColour(await inkAt(x, y), colour)),
    hasNoInk: (x, y) => eventually(async () => assert.deepEqual(await inkAt(x, y), [0, 0, 0, 0])),

    async down(x, y) {
      await page.mouse.move(...(await at(x, y)));
      await page.mouse.down();
    },
    move: async (x, y) => page.mouse.move(...(await at(x, y)), { steps: 8 }),
    up: () => page.mouse.up(),
    async line(from, to) {
      await this.down(...from);
      await this.move(...to);
      await this.up();
    },
    /** Moves the pen there without drawing, whatever the device. */
    async point(x, y) {
      await page.mouse.move(...(await at(x, y)), { steps: 4 });
    },

    async swipe([fromX, fromY], [toX, toY]) {
      const session = await page.context().newCDPSession(page);
      const touch = async (type, ...places) => {
        const touchPoints = [];
        for (const place of places) {
          const [x, y] = await at(...place);
          touchPoints.push({ x, y });
        }
        await session.send("Input.dispatchTouchEvent", { type, touchPoints });
      };
      await touch("touchStart", [fromX, fromY]);
      for (let part = 1; part <= 10; part++) {
        const share = part / 10;
        await touch("touchMove", [fromX + share * (toX - fromX), fromY + share * (toY - fromY)]);
      }
      await touch("touchEnd");
      await session.detach();
    },
  };
}

/** Whether these channels are strong and the others are weaker: exact colours differ by scheme. */
function assertColour([r, g, b, alpha], { red = false, green = false, blue = false }) {
  const strong = [red && r, green && g, blue && b].filter((value) => value !== false);
  const weak = [!red && r, !green && g, !blue && b].filter((value) => value !== false);
  const isIt = alpha === 255 && Math.min(...strong) > 120 && Math.min(...strong) > Math.max(...weak) + 50;
  assert.ok(isIt, `the pixel is ${[r, g, b, alpha]}`);
}

/** Something to look at. */
async function sketch(person) {
  const wave = (count, point) => Array.from({ length: count + 1 }, (_, index) => point(index / count));
  const circle = (x, y, radius) => wave(40, (part) => [
    x + radius * Math.cos(2 * Math.PI * part), y + (radius * 5 / 4) * Math.sin(2 * Math.PI * part),
  ]);
  const drawings = [
    ["Yellow", "Broad", circle(0.8, 0.2, 0.07)],
    ...[0, 1, 2, 3, 4, 5, 6, 7].map((ray) => {
      const [x, y] = [Math.cos(ray * Math.PI / 4), Math.sin(ray * Math.PI / 4) * 5 / 4];
      return ["Orange", "Medium", [[0.8 + 0.09 * x, 0.2 + 0.09 * y], [0.8 + 0.12 * x, 0.2 + 0.12 * y]]];
    }),
    ["Violet", "Broad", [[0.04, 0.62], [0.2, 0.3], [0.3, 0.48], [0.42, 0.22], [0.62, 0.62]]],
    ["Grey", "Medium", [[0.16, 0.38], [0.2, 0.42], [0.23, 0.38]]],
    ["Grey", "Medium", [[0.38, 0.3], [0.42, 0.35], [0.46, 0.31]]],
    ["Blue", "Broad", wave(60, (part) => [0.04 + 0.9 * part, 0.68 + 0.02 * Math.sin(part * 26)])],
    ["Blue", "Medium", wave(60, (part) => [0.1 + 0.8 * part, 0.75 + 0.02 * Math.sin(part * 26 + 2)])],
    ["Red", "Broad", [[0.62, 0.56], [0.84, 0.56], [0.79, 0.64], [0.67, 0.64], [0.62, 0.56]]],
    ["Ink", "Medium", [[0.73, 0.56], [0.73, 0.38], [0.82, 0.52], [0.73, 0.52]]],
    ["Green", "Very broad", wave(30, (part) => [0.55 + 0.4 * part, 0.92 - 0.02 * Math.sin(part * 9)])],
    ["Ink", "Fine", wave(150, (part) => [0.06 + 0.3 * part + 0.015 * Math.cos(part * 50), 0.84 + 0.03 * Math.sin(part * 50)])],
  ];
  for (const [colour, width, [first, ...rest]] of drawings) {
    await person.choose(colour);
    await person.choose(width);
    const { x, y, width: right, height: bottom } = await person.board();
    const to = (place) => person.page.mouse.move(x + place[0] * right, y + place[1] * bottom);
    await to(first);
    await person.page.mouse.down();
    for (const place of rest) await to(place);
    await person.up();
  }
}
