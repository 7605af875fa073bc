// Drives the chat page in a real browser against the chat of every framework.
//
//   EXAMPLES      folder of the examples' binaries
//   CHROMIUM      path of the browser (default: the usual places)
//   SCREENSHOTS   folder to write pictures of the page to (default: none)

import assert from "node:assert/strict";
import { test } from "node:test";

import { inBrowser, launch, newPage, picture, DESKTOP, PHONE, STEP, step } from "./support/browser.js";
import { eventually, Example } from "./support/example.js";

for (const name of ["axum-chat", "actix-chat", "warp-chat", "hyper-chat"]) {
  test(name, inBrowser, (t) => chat(t, name));
}

async function chat(t, name) {
  const server = await Example.start(t, name);
  const browser = await launch(t);
  const problems = [];
  const open = (nickname, options) => openPage(browser, server, nickname, problems, options);

  const shot = (page, what) => picture(page, `${name}-${what}`);

  const ada = await open("Ada", { ...DESKTOP, colorScheme: "light" });
  const bo = await open("Bo", { ...PHONE, colorScheme: "light" });
  let cy;

  await step(t, "the page asks for a nickname and remembers it", async () => {
    const page = ada.page;
    await page.goto(ada.url());
    await shot(page, "welcome-desktop");
    await bo.page.goto(bo.url());
    await shot(bo.page, "welcome-phone");
    await page.getByLabel("Nickname").fill("Ada");
    await page.getByRole("button", { name: "Join" }).click();
    await page.locator("#chat").waitFor();
    await page.reload();
    assert.equal(await page.getByLabel("Nickname").inputValue(), "Ada");
    await page.getByRole("button", { name: "Join" }).click();
    await page.locator("#messages[data-empty*='#general']").waitFor();
  });

  await step(t, "two people see each other", async () => {
    await bo.enter();
    await ada.page.locator(".notice", { hasText: "Bo joined" }).waitFor();
    await ada.seesOnline(["Ada", "Bo"]);
    await bo.seesOnline(["Ada", "Bo"]);
  });

  await step(t, "the transport is upgraded to WebSocket", async () => {
    await ada.upgraded;
    await bo.upgraded;
  });

  await step(t, "messages go both ways and are acknowledged", async () => {
    await ada.says("Hello Bo, is this thing on?");
    await bo.sees("Hello Bo, is this thing on?");
    await bo.says("Loud and clear.");
    await ada.sees("Loud and clear.");
    assert.ok(ada.framesSent().some((frame) => frame.includes("is this thing on?")));
    assert.ok(bo.framesReceived().some((frame) => frame.includes("is this thing on?")));
  });

  await step(t, "markup in a message is only text", async () => {
    await ada.says("<b>bold</b> & <img src=x onerror=alert(1)>");
    await bo.sees("<b>bold</b> & <img src=x onerror=alert(1)>");
    for (const { page } of [ada, bo]) assert.equal(await page.locator("#messages :is(b, img)").count(), 0);
  });

  await step(t, "typing is shown and taken back", async () => {
    await ada.page.getByLabel("Message", { exact: true }).pressSequentially("I am thi");
    const typing = bo.page.locator("#typing", { hasText: "Ada is typing…" });
    await typing.waitFor();
    await ada.page.getByLabel("Message", { exact: true }).fill("");
    await typing.waitFor({ state: "detached" });
  });

  await step(t, "a newcomer gets the history", async () => {
    cy = await open("Cy", { ...DESKTOP, colorScheme: "dark" });
    await cy.enter();
    await cy.sees("Hello Bo, is this thing on?");
    await cy.sees("Loud and clear.");
    await cy.seesOnline(["Ada", "Bo", "Cy"]);
  });

  await step(t, "a message without an answer can be sent again", async () => {
    await cy.enter({ cutAt: "cut here" });
    await cy.writes("The connection is cut here");
    const message = cy.message("The connection is cut here");
    await message.and(cy.page.locator("[data-state=failed]")).waitFor();
    await shot(cy.page, "failed-desktop-dark");
    await cy.page.locator("#banner", { hasText: "Back online" }).waitFor();
    await message.getByRole("button", { name: "Retry" }).click();
    await message.and(cy.page.locator("[data-state=sent]")).waitFor();
    await ada.sees("The connection is cut here");
  });

  await step(t, "rooms are apart", async () => {
    await cy.room("rust");
    await ada.page.locator(".notice", { hasText: "Cy left" }).last().waitFor();
    await ada.seesOnline(["Ada", "Bo"]);
    await cy.seesOnline(["Cy"]);
    assert.equal(await cy.message("Loud and clear.").count(), 0);
    await cy.says("Only for the crab people");
    await ada.says("Only for the generalists");
    await bo.sees("Only for the generalists");
    assert.equal(await bo.message("crab people").count(), 0);
    assert.equal(await cy.message("generalists").count(), 0);
    await cy.room("general");
    await cy.sees("Only for the generalists");
    assert.equal(await cy.message("crab people").count(), 0);
    await ada.seesOnline(["Ada", "Bo", "Cy"]);
  });

  await step(t, "a reader of old messages stays where they are", async () => {
    await ada.says("Which framework is this one?");
    await cy.says("Does it matter? They all serve the same page.");
    await cy.says("And the same client.");
    await ada.says("The official one, straight from the server.");
    await cy.says("How many rooms are there?");
    await ada.says("Three. Try #rust.");
    await bo.sees("Three. Try #rust.");
    const log = bo.page.locator("#log");
    await log.evaluate((element) => new Promise((resolve) => {
      element.addEventListener("scroll", resolve, { once: true });
      element.scrollTop = 0;
    }));
    const jump = bo.page.getByRole("button", { name: "1 new message" });
    await ada.says("Are you still there, Bo?");
    await jump.waitFor();
    assert.equal(await log.evaluate((element) => element.scrollTop), 0);
    await shot(bo.page, "unread-phone");
    await jump.click();
    await jump.waitFor({ state: "hidden" });
    await bo.says("Right here.\n\nI was reading what you two said about rooms, acknowledgements and reconnecting before I came in.");
    await bo.says("😀");
  });

  await step(t, "pictures", async () => {
    if (!process.env.SCREENSHOTS) return;
    await cy.page.getByLabel("Message", { exact: true }).pressSequentially("Hm");
    await bo.page.getByText("Cy is typing…").waitFor();
    for (const colorScheme of ["light", "dark"]) {
      for (const [{ page }, size] of [[ada, "desktop"], [bo, "phone"]]) {
        await page.emulateMedia({ colorScheme });
        await shot(page, `chat-${size}-${colorScheme}`);
      }
    }
    await bo.page.locator("#people-toggle").click();
    await shot(bo.page, "people-phone-dark");
    await bo.page.emulateMedia({ colorScheme: "light" });
    await bo.page.locator("#people-toggle").click();
    await ada.page.emulateMedia({ colorScheme: "light" });
  });

  await step(t, "no request failed and no script threw", () => {
    assert.deepEqual(problems, []);
  });

  await step(t, "a lost server is visible on every page", async () => {
    await server.kill();
    for (const { page } of [ada, bo]) {
      await page.locator("#banner", { hasText: "Connection lost, reconnecting…" }).waitFor();
    }
    await ada.writes("Written while the server was away");
    await ada.message("server was away").and(ada.page.locator("[data-state=pending]")).waitFor();
    await shot(ada.page, "lost-desktop");
    await shot(bo.page, "lost-phone");
  });

  await step(t, "both pages come back, enter the room again and talk", async () => {
    const back = Promise.all([ada, bo].map(({ page }) =>
      page.locator("#banner", { hasText: "Back online" }).waitFor({ timeout: 2 * STEP })));
    await server.start();
    await back;
    await shot(bo.page, "back-phone");
    await ada.message("server was away").and(ada.page.locator("[data-state=sent]")).waitFor();
    await bo.sees("Written while the server was away");
    await ada.seesOnline(["Ada", "Bo", "Cy"]);
    await bo.says("And we are back.");
    await ada.sees("And we are back.");
    await ada.page.locator("#banner:empty").waitFor({ state: "attached" });
  });
}

/** A person at a page of their own. */
async function openPage(browser, server, nickname, problems, options) {
  const page = await newPage(browser, nickname, problems, options);
  const sent = [];
  const received = [];
  const upgraded = new Promise((resolve, reject) => {
    const timer = setTimeout(reject, 2 * STEP, new Error(`${nickname} has no WebSocket`));
    page.on("websocket", (socket) => {
      socket.on("framereceived", ({ payload }) => received.push(payload));
      socket.on("framesent", ({ payload }) => {
        sent.push(payload);
        // "5" is the packet with which Engine.IO moves to the new transport.
        if (payload === "5") resolve(clearTimeout(timer));
      });
    });
  });
  upgraded.catch(() => {});

  const url = (query = "") => `${server.url}/${query}`;
  const message = (text) => page.locator(".message", { has: page.locator(".text", { hasText: text }) });

  return {
    page,
    upgraded,
    url,
    message,
    framesSent: () => sent,
    framesReceived: () => received,

    /** Opens the page in the room; with `cutAt`, a frame with this text is lost with its connection, once. */
    async enter({ cutAt } = {}) {
      const cut = cutAt && (await cutConnection(page, cutAt));
      await page.goto(url(`?nick=${nickname}`));
      await page.locator("#chat").waitFor();
      await cut?.upgraded;
    },

    async writes(text) {
      await page.getByLabel("Message", { exact: true }).fill(text);
      await page.getByLabel("Message", { exact: true }).press("Enter");
    },

    async says(text) {
      await this.writes(text);
      await message(text.split("\n")[0]).and(page.locator("[data-state=sent]")).waitFor();
    },

    async sees(text) {
      await message(text).waitFor();
      assert.equal(await message(text).count(), 1);
    },

    async seesOnline(names) {
      await eventually(async () => {
        assert.deepEqual(await page.locator("#people .name").allTextContents(), names);
      });
    },

    async room(name) {
      await page.getByRole("link", { name }).click();
      await page.locator("#log[aria-busy=false]").waitFor();
    },
  };
}

/** Loses the frame with this text. Gives a promise that the WebSocket is what messages go by. */
async function cutConnection(page, text) {
  let cut = false;
  const { promise: upgraded, resolve } = withResolvers();
  await page.routeWebSocket(/\/socket\.io\//, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((frame) => {
      if (frame === "5") resolve();
      if (cut || !frame.includes(text)) return server.send(frame);
      cut = true;
      socket.close();
      server.close();
    });
  });
  return { upgraded };
}

function withResolvers() {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
