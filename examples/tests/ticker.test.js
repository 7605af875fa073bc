// Drives the ticker with the official client, and its page in a real browser.
//
//   EXAMPLES      folder of the examples' binaries
//   CHROMIUM      path of the browser (default: the usual places)
//   SCREENSHOTS   folder to write pictures of the page to (default: none)

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import { io } from "socket.io-client";

import { inBrowser, launch, newPage, picture, DESKTOP, PHONE, step } from "./support/browser.js";
import { eventually, Example } from "./support/example.js";

const NAME = "ticker";
const PATIENCE = 8_000;
const SYMBOLS = ["CRAB", "FERR", "OXID", "CRGO", "BORO", "TRTS", "LIFE", "AWAY"];

// --- clients ------------------------------------------------------------------------------

test("subscriptions", async (t) => {
  const server = await Example.start(t, NAME, { env: { TICK_MS: "20" } });
  const crab = await connect(t, server);
  const ferris = await connect(t, server);

  await step(t, "a client is told what there is", () => {
    assert.equal(crab.market.day, 1);
    assert.equal(crab.market.open, true);
    assert.deepEqual(crab.market.stocks.map(({ symbol }) => symbol), SYMBOLS);
    assert.deepEqual(Object.keys(crab.market.stocks[0]), ["symbol", "name"]);
  });

  await step(t, "nobody gets what they have not asked for", async () => {
    const { ok, symbol, opening, history } = await ask(crab, "subscribe", "CRAB");
    assert.deepEqual([ok, symbol], [true, "CRAB"]);
    assert.ok(opening > 0);
    assert.equal(history.length, 120);
    await ask(ferris, "subscribe", "FERR");
    await eventually(() => {
      assert.ok(crab.ticks.length >= 10);
      assert.ok(ferris.ticks.length >= 10);
    });
    assert.ok(crab.ticks.every((tick) => tick.symbol === "CRAB"));
    assert.ok(ferris.ticks.every((tick) => tick.symbol === "FERR"));
  });

  await step(t, "ticks go on where the snapshot ends", async () => {
    // Those that came before the answer are the end of the history, those that come after it are not.
    const { history, prices } = await snapshot(crab, "CRAB");
    assert.deepEqual(history.slice(-prices.length), prices.slice(-120));
    await eventually(() => assert.ok(crab.ticks.length > prices.length + 120));
    const later = await snapshot(crab, "CRAB");
    assert.deepEqual(later.history, later.prices.slice(-120));
  });

  await step(t, "who unsubscribes gets no more", async () => {
    assert.deepEqual(await ask(crab, "unsubscribe", "CRAB"), { ok: true });
    const seen = crab.ticks.length;
    const others = ferris.ticks.length;
    await eventually(() => assert.ok(ferris.ticks.length >= others + 10));
    assert.equal(crab.ticks.length, seen);
    assert.deepEqual(await ask(crab, "unsubscribe", "CRAB"), { ok: true });
  });

  await step(t, "what is no stock is refused", async () => {
    for (const event of ["subscribe", "unsubscribe"]) {
      for (const symbol of ["", "crab", "NONE", "x".repeat(10_000)]) {
        assert.deepEqual(await ask(crab, event, symbol), { ok: false, error: "there is no such stock" });
      }
      for (const garbage of [null, 7, {}, ["CRAB"]]) {
        assert.match((await ask(crab, event, garbage)).error, /^bad argument: /);
      }
    }
  });

  await step(t, "everyone hears that the market closes, and opens again", async () => {
    const closed = [crab, ferris].map((client) => next(client, "closed", 3 * PATIENCE));
    for (const [day] of await Promise.all(closed)) assert.deepEqual(day, { day: 1 });
    const late = await connect(t, server);
    assert.equal(late.market.open, false);
    const ticks = ferris.ticks.length;
    assert.deepEqual(await next(crab, "opened"), [{ day: 2 }]);
    assert.equal(ferris.ticks.length, ticks);
    const { opening } = await ask(late, "subscribe", "FERR");
    assert.equal(opening, ferris.ticks[ticks - 1].price);
  });
});

test("a server that stops closes the market first", async (t) => {
  const server = await Example.start(t, NAME);
  const client = await connect(t, server);
  const events = [];
  client.on("closed", () => events.push("closed"));
  client.on("disconnect", () => events.push("disconnect"));
  const ended = next(client, "disconnect");
  await server.stop();
  await ended;
  assert.deepEqual(events, ["closed", "disconnect"]);
});

test("a zero period is refused at the start", async (t) => {
  await assert.rejects(Example.start(t, NAME, { env: { TICK_MS: "0", RUST_BACKTRACE: "0" } }), /ended with 1/);
});

/** A client that was let in. It keeps its ticks. */
async function connect(t, server) {
  const socket = io(server.url, { forceNew: true, reconnection: false, transports: ["websocket"] });
  t.after(() => socket.disconnect());
  socket.ticks = [];
  socket.on("tick", (tick) => socket.ticks.push(tick));
  [socket.market] = await next(socket, "market");
  return socket;
}

const next = (socket, event, patience = PATIENCE) => once(socket, event, { signal: AbortSignal.timeout(patience) });
const ask = (socket, event, data) => socket.timeout(PATIENCE).emitWithAck(event, data);

/** The history of a stock, and the prices that the client had when it came: an await would let more in. */
function snapshot(socket, symbol) {
  return new Promise((resolve, reject) => {
    socket.timeout(PATIENCE).emit("subscribe", symbol, (error, answer) => {
      if (error) reject(error);
      else resolve({ history: answer.history, prices: socket.ticks.map(({ price }) => price) });
    });
  });
}

// --- the page -----------------------------------------------------------------------------

test("the page", inBrowser, async (t) => {
  const server = await Example.start(t, NAME, { env: { TICK_MS: "40" } });
  const browser = await launch(t);
  const problems = [];
  const shot = (page, what) => picture(page, `${NAME}-${what}`);
  const desk = await openPage(browser, server, "desk", problems, { ...DESKTOP, colorScheme: "light" });
  const phone = await openPage(browser, server, "phone", problems, { ...PHONE, colorScheme: "light" });

  await step(t, "the first stocks are live at once", async () => {
    await desk.open();
    await phone.open();
    await desk.isLive(["CRAB", "FERR", "OXID", "CRGO", "BORO"]);
    await desk.page.locator("#connection", { hasText: "Connected" }).waitFor();
    await desk.page.locator("#market", { hasText: "Market open, day 1" }).waitFor();
  });

  await step(t, "prices and charts move", async () => {
    const { price, chart } = desk;
    const before = [await price("CRAB"), await chart("CRAB")];
    await eventually(async () => {
      assert.notEqual(await price("CRAB"), before[0]);
      assert.notEqual(await chart("CRAB"), before[1]);
    });
    assert.match(await price("CRAB"), /^\d+\.\d\d$/);
  });

  await step(t, "both pages show the same price", async () => {
    await eventually(async () => {
      const [one, other] = await Promise.all([desk.chart("CRAB"), phone.chart("CRAB")]);
      assert.equal(one, other);
    });
  });

  await step(t, "a switch subscribes and unsubscribes, on this page alone", async () => {
    await desk.toggle("CRAB").click();
    await desk.isLive(["FERR", "OXID", "CRGO", "BORO"]);
    await desk.toggle("LIFE").press("Space");
    await desk.isLive(["FERR", "OXID", "CRGO", "BORO", "LIFE"]);
    const before = await desk.chart("CRAB");
    const other = await phone.chart("CRAB");
    await eventually(async () => assert.notEqual(await phone.chart("CRAB"), other));
    assert.equal(await desk.chart("CRAB"), before);
    await phone.isLive(["CRAB", "FERR", "OXID", "CRGO", "BORO"]);
  });

  await step(t, "what was chosen outlives a reload", async () => {
    await desk.page.reload();
    await desk.isLive(["FERR", "OXID", "CRGO", "BORO", "LIFE"]);
    assert.equal(await desk.toggle("CRAB").getAttribute("aria-checked"), "false");
    await desk.toggle("CRAB").click();
    await desk.isLive(["CRAB", "FERR", "OXID", "CRGO", "BORO", "LIFE"]);
  });

  await step(t, "pictures", async () => {
    if (!process.env.SCREENSHOTS) return;
    for (const colorScheme of ["light", "dark"]) {
      for (const [{ page }, size] of [[desk, "desktop"], [phone, "phone"]]) {
        await page.emulateMedia({ colorScheme });
        await shot(page, `board-${size}-${colorScheme}`);
      }
    }
    await desk.page.emulateMedia({ colorScheme: "light" });
    await phone.page.emulateMedia({ colorScheme: "light" });
  });

  await step(t, "no request failed and no script threw", () => {
    assert.deepEqual(problems, []);
  });

  await step(t, "the market closes for both", async () => {
    for (const { page } of [desk, phone]) {
      await page.locator("#market", { hasText: "Market closed, day 1" }).waitFor({ timeout: 4 * PATIENCE });
    }
    await shot(desk.page, "closed-desktop-light");
    await shot(phone.page, "closed-phone-light");
    await desk.page.locator("#market", { hasText: "Market open, day 2" }).waitFor();
  });

  await step(t, "a lost server is visible, and a switch may be turned meanwhile", async () => {
    await server.kill();
    for (const { page } of [desk, phone]) {
      await page.locator("[data-connection=lost] #connection").waitFor();
    }
    await desk.isLive([]);
    await desk.toggle("OXID").click();
    await shot(desk.page, "lost-desktop-light");
    await shot(phone.page, "lost-phone-light");
  });

  await step(t, "both come back and subscribe to what is wanted now", async () => {
    const upgraded = Promise.all([desk.ticksByWebSocket(), phone.ticksByWebSocket()]);
    await server.start();
    await desk.isLive(["CRAB", "FERR", "CRGO", "BORO", "LIFE"]);
    await phone.isLive(["CRAB", "FERR", "OXID", "CRGO", "BORO"]);
    await desk.page.locator("#connection", { hasText: "Connected" }).waitFor();
    await upgraded;
  });
});

/** The page, with the parts of its cards by symbol. */
async function openPage(browser, server, name, problems, options) {
  const page = await newPage(browser, name, problems, options);
  const card = (symbol) => page.locator(`[data-symbol=${symbol}]`);
  return {
    page,
    open: () => page.goto(server.url),
    toggle: (symbol) => page.getByRole("switch", { name: `Subscribe to ${symbol}` }),
    price: (symbol) => card(symbol).locator(".price").textContent(),
    chart: (symbol) => card(symbol).locator(".line").getAttribute("d"),

    /** Resolves with the first tick that comes by a WebSocket which is opened from now on. */
    ticksByWebSocket: () => page.waitForEvent("websocket", { timeout: 2 * PATIENCE }).then((socket) =>
      socket.waitForEvent("framereceived", ({ payload }) => payload.includes("tick"))),

    async isLive(symbols) {
      await eventually(async () => {
        const live = page.locator("[data-live=true] .symbol");
        assert.deepEqual(await live.allTextContents(), symbols);
      });
    },
  };
}
