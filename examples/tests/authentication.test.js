// Drives the sign-in example with the official client, and its page in a real browser.
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

const NAME = "authentication";
const PASSWORDS = { ada: "engine", bo: "swing", cy: "kettle" };
const PATIENCE = 8_000;

// --- clients ------------------------------------------------------------------------------

test("signing in", async (t) => {
  const server = await Example.start(t, NAME);

  await step(t, "a wrong password and a name that nobody has are refused alike", async () => {
    const wrong = await post(server, "/login", { name: "bo", password: "engine" });
    const unknown = await post(server, "/login", { name: "eve", password: "swing" });
    assert.equal(wrong.status, 401);
    assert.equal(unknown.status, 401);
    assert.deepEqual(wrong.body, { error: "the name or the password is wrong" });
    assert.deepEqual(unknown.body, wrong.body);
  });

  await step(t, "what is no sign-in is refused", async () => {
    assert.equal((await post(server, "/login", { name: "bo" })).status, 422);
    assert.equal((await post(server, "/login", { name: "bo", password: "x".repeat(2000) })).status, 413);
    assert.equal((await post(server, "/logout")).status, 401);
    assert.equal((await post(server, "/logout", undefined, "nonsense")).status, 401);
  });

  await step(t, "no token, garbage and a token of nobody let nobody in", async () => {
    for (const auth of [undefined, {}, { token: 7 }, { token: null }, { token: ["a"] }]) {
      assert.deepEqual(await refusal(t, server, auth), ["sign in first", { code: "missing" }]);
    }
    for (const token of ["", "f".repeat(32), "x".repeat(10_000)]) {
      assert.deepEqual(await refusal(t, server, { token }), ["there is no such session", { code: "unknown" }]);
    }
  });

  await step(t, "a token is random, and lets in who signed in", async () => {
    const [first, second] = [await signIn(server, "ada"), await signIn(server, "ada")];
    assert.match(first, /^[0-9a-f]{32}$/);
    assert.notEqual(first, second);
    const ada = await connect(t, server, first);
    assert.deepEqual(ada.welcome.user, { name: "ada", admin: true });
    assert.deepEqual(ada.welcome.messages, []);
  });

  await step(t, "who signed out cannot come back", async () => {
    const token = await signIn(server, "cy");
    const tab = await connect(t, server, token);
    const told = next(tab, "signed out");
    const ended = next(tab, "disconnect");
    assert.equal((await post(server, "/logout", undefined, token)).status, 204);
    assert.deepEqual(await told, [{ code: "signed-out", message: "you have signed out" }]);
    assert.equal((await ended)[0], "io server disconnect");
    assert.deepEqual(await refusal(t, server, { token }), ["you have signed out", { code: "signed-out" }]);
    assert.equal((await post(server, "/logout", undefined, token)).status, 401);
  });

  await step(t, "signing out everywhere ends all sessions of the user alone", async () => {
    const tokens = [await signIn(server, "bo"), await signIn(server, "bo")];
    const tabs = await Promise.all(tokens.map((token) => connect(t, server, token)));
    const ada = await connect(t, server, await signIn(server, "ada"));
    const ended = tabs.map((tab) => next(tab, "disconnect"));
    assert.equal((await post(server, "/logout/everywhere", undefined, tokens[0])).status, 204);
    await Promise.all(ended);
    for (const token of tokens) assert.equal((await refusal(t, server, { token }))[1].code, "signed-out");
    assert.ok((await ask(ada, "message", { to: "bo", text: "for later" })).ok);
  });

  await step(t, "the sixth session of a user ends the first", async () => {
    const first = await signIn(server, "cy");
    const tab = await connect(t, server, first);
    const told = next(tab, "signed out");
    for (let more = 0; more < 5; more += 1) await signIn(server, "cy");
    assert.equal((await told)[0].code, "crowded");
    assert.equal((await refusal(t, server, { token: first }))[1].code, "unknown");
  });
});

test("a session expires, for who is connected too", async (t) => {
  const server = await Example.start(t, NAME, { env: { SESSION_SECONDS: "1" } });
  const token = await signIn(server, "bo");
  const tab = await connect(t, server, token);
  const ended = next(tab, "disconnect");
  assert.deepEqual(await next(tab, "signed out"), [{ code: "expired", message: "the session has expired" }]);
  await ended;
  assert.deepEqual(await refusal(t, server, { token }), ["the session has expired", { code: "expired" }]);
});

test("users with several tabs", async (t) => {
  const server = await Example.start(t, NAME);
  const token = await signIn(server, "bo");
  const [ada, adaElsewhere, first, second, third, cy] = [
    await connect(t, server, await signIn(server, "ada")),
    await connect(t, server, await signIn(server, "ada")),
    await connect(t, server, token),
    await connect(t, server, token),
    await connect(t, server, await signIn(server, "bo")),
    await connect(t, server, await signIn(server, "cy")),
  ];

  await step(t, "who has three tabs is online once, until the last is closed", async () => {
    await eventually(() => {
      assert.deepEqual(ada.people.map(({ name, online }) => [name, online]),
        [["ada", true], ["bo", true], ["cy", true], ["dee", false]]);
      assert.deepEqual(first.sessions.map(({ tabs }) => tabs), [2, 1]);
    });
    const dee = await signIn(server, "dee");
    const tabs = [await connect(t, server, dee), await connect(t, server, dee)];
    const online = () => ada.people.find(({ name }) => name === "dee").online;
    await eventually(() => assert.ok(online()));
    tabs[0].disconnect();
    await eventually(() => assert.equal(tabs[1].sessions[0].tabs, 1));
    assert.ok(online());
    tabs[1].disconnect();
    await eventually(() => assert.ok(!online()));
  });

  await step(t, "a direct message reaches all tabs of both, and nobody else", async () => {
    const seen = [first, second, third, adaElsewhere].map((tab) => next(tab, "message"));
    const strangers = [];
    cy.on("message", (message) => strangers.push(message));
    const own = [];
    ada.on("message", (message) => own.push(message));
    const { ok, message } = await ask(ada, "message", { to: "bo", text: " Hello, all of you. " });
    assert.ok(ok);
    assert.deepEqual({ ...message, time: 0 }, { id: message.id, from: "ada", to: "bo", text: "Hello, all of you.", time: 0 });
    for (const [other] of await Promise.all(seen)) assert.deepEqual(other, message);
    // What was to come before this answer has come.
    await ask(cy, "message", { to: "dee", text: "mark" });
    await ask(ada, "message", { to: "dee", text: "mark" });
    assert.deepEqual(strangers, []);
    assert.deepEqual(own, []);
  });

  await step(t, "a tab that is opened later sees the same", async () => {
    const late = await connect(t, server, token);
    assert.deepEqual(late.welcome.messages.map(({ text }) => text), ["Hello, all of you."]);
    late.disconnect();
  });

  await step(t, "wrong messages are refused, and say why", async () => {
    const refused = async (draft) => (await ask(ada, "message", draft)).error;
    assert.equal(await refused({ to: "eve", text: "hi" }), "there is no such user");
    assert.equal(await refused({ to: "bo", text: "  " }), "some text is needed");
    assert.equal(await refused({ to: "bo", text: "é".repeat(1001) }), "a text has at most 1000 characters");
    for (const garbage of [null, "hi", { to: "bo" }, { to: 1, text: 2 }]) {
      assert.match(await refused(garbage), /^bad argument: /);
    }
  });

  await step(t, "only admins kick, for a reason, and somebody else who is there", async () => {
    const refused = async (tab, name, reason) => (await ask(tab, "kick", { name, reason })).error;
    assert.equal(await refused(first, "ada", "revenge"), "only an admin may do that");
    assert.equal(await refused(ada, "ada", "enough"), "to leave, sign out");
    assert.equal(await refused(ada, "eve", "noise"), "there is no such user");
    assert.equal(await refused(ada, "bo", " "), "some text is needed");
    await post(server, "/logout/everywhere", undefined, await signIn(server, "dee"));
    assert.equal(await refused(ada, "dee", "noise"), "they are not signed in");
    assert.ok(first.connected);
  });

  await step(t, "an own session is ended, one of others is not", async () => {
    const { id } = third.sessions.find(({ tabs }) => tabs === 1);
    assert.equal((await ask(cy, "end session", id)).error, "there is no such session");
    const ended = next(third, "disconnect");
    assert.deepEqual(await ask(first, "end session", id), { ok: true });
    await ended;
    await eventually(() => assert.deepEqual(first.sessions.map(({ tabs }) => tabs), [2]));
  });

  await step(t, "a kicked user is told why in all tabs, and cannot come back", async () => {
    const told = [first, second].map((tab) => next(tab, "signed out"));
    const ended = [first, second].map((tab) => next(tab, "disconnect"));
    assert.deepEqual(await ask(ada, "kick", { name: "bo", reason: "too loud" }), { ok: true });
    const message = "ada kicked you: too loud";
    for (const [end] of await Promise.all(told)) assert.deepEqual(end, { code: "kicked", message });
    for (const [reason] of await Promise.all(ended)) assert.equal(reason, "io server disconnect");
    assert.deepEqual(await refusal(t, server, { token }), [message, { code: "kicked" }]);
    const again = next(first, "connect_error");
    first.connect();
    assert.equal((await again)[0].message, message);
    await eventually(() => assert.ok(!ada.people.find(({ name }) => name === "bo").online));
    assert.ok(cy.connected);
  });

  await step(t, "a kick is no ban", async () => {
    assert.equal((await connect(t, server, await signIn(server, "bo"))).welcome.user.name, "bo");
  });
});

test("a polling client is kicked too", async (t) => {
  const server = await Example.start(t, NAME);
  const ada = await connect(t, server, await signIn(server, "ada"));
  const bo = await connect(t, server, await signIn(server, "bo"), { transports: ["polling"] });
  const told = next(bo, "signed out");
  const ended = next(bo, "disconnect");
  await ask(ada, "kick", { name: "bo", reason: "too slow" });
  assert.equal((await told)[0].code, "kicked");
  assert.equal((await ended)[0], "io server disconnect");
});

async function post(server, path, data, token) {
  const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
  const response = await fetch(server.url + path, { method: "POST", headers, body: data && JSON.stringify(data) });
  const text = await response.text();
  return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : text };
}

async function signIn(server, name) {
  const { status, body } = await post(server, "/login", { name, password: PASSWORDS[name] ?? "marble" });
  assert.equal(status, 200);
  return body.token;
}

function open(t, server, auth, options) {
  const socket = io(server.url, { auth, forceNew: true, reconnection: false, transports: ["websocket"], ...options });
  t.after(() => socket.disconnect());
  return socket;
}

/** A client that was let in. It keeps the last of what it was told. */
async function connect(t, server, token, options) {
  const socket = open(t, server, { token }, options);
  socket.on("people", (people) => (socket.people = people));
  socket.on("sessions", (sessions) => (socket.sessions = sessions));
  [socket.welcome] = await next(socket, "welcome");
  return socket;
}

/** The message and the data with which a client is refused. */
async function refusal(t, server, auth) {
  const socket = open(t, server, auth);
  const [error] = await next(socket, "connect_error");
  socket.disconnect();
  return [error.message, error.data];
}

const next = (socket, event) => once(socket, event, { signal: AbortSignal.timeout(PATIENCE) });
const ask = (socket, event, data) => socket.timeout(PATIENCE).emitWithAck(event, data);

// --- the page -----------------------------------------------------------------------------

test("the page", inBrowser, async (t) => {
  const server = await Example.start(t, NAME);
  const browser = await launch(t);
  const problems = [];
  const open = (name, options) => openPage(browser, server, name, problems, options);
  const shot = (page, what) => picture(page, `${NAME}-${what}`);

  const ada = await open("ada", { ...DESKTOP, colorScheme: "light" });
  const bo = await open("bo", { ...PHONE, colorScheme: "light" });
  let tab;
  let cy;

  await step(t, "the page asks who one is, and says what is wrong", async () => {
    const { page } = ada;
    await page.goto(server.url);
    await shot(page, "sign-in-desktop-light");
    await page.getByLabel("Name").fill("ada");
    await page.getByLabel("Password").fill("swing");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").filter({ hasText: "the name or the password is wrong" }).waitFor();
    await shot(page, "wrong-password-desktop-light");
    assert.deepEqual(problems.splice(0), [`ada: 401 ${server.url}/login`]);
    await bo.page.goto(server.url);
    await bo.page.emulateMedia({ colorScheme: "dark" });
    await shot(bo.page, "sign-in-phone-dark");
    await bo.page.emulateMedia({ colorScheme: "light" });
  });

  await step(t, "three people sign in, one of them in two tabs", async () => {
    await ada.signsIn();
    await bo.signsIn();
    tab = await open("bo", { ...DESKTOP, colorScheme: "dark" });
    await tab.signsIn();
    cy = await open("cy", DESKTOP);
    await cy.signsIn();
    await ada.seesOnline(["bo", "cy"]);
    await bo.page.locator("#sessions li").nth(1).waitFor();
    await shot(bo.page, "people-phone-light");
  });

  await step(t, "a reload keeps the session", async () => {
    await bo.page.reload();
    await bo.page.locator("#panel").waitFor();
    assert.equal(await bo.page.locator("#me-name").textContent(), "bo");
  });

  await step(t, "a direct message is in both tabs, and so is the answer", async () => {
    await ada.writes("bo", "Are both of your tabs awake, Bo?");
    await bo.person("ada").locator(".unread", { hasText: "1" }).waitFor();
    await bo.looksAt("ada");
    await tab.looksAt("ada");
    await bo.sees("Are both of your tabs awake, Bo?");
    await tab.sees("Are both of your tabs awake, Bo?");
    await tab.writes("ada", "<b>Both</b>. I am typing this in one, and reading it in the other.");
    await bo.sees("<b>Both</b>. I am typing this in one, and reading it in the other.");
    await ada.sees("<b>Both</b>. I am typing this in one, and reading it in the other.");
    await bo.writes("ada", "And this one from the phone.");
    await tab.sees("And this one from the phone.");
    await ada.sees("And this one from the phone.");
    assert.equal(await bo.page.locator("#messages .own").count(), 2);
    assert.equal(await bo.page.locator("#messages b").count(), 0);
  });

  await step(t, "pictures", async () => {
    if (!process.env.SCREENSHOTS) return;
    for (const colorScheme of ["light", "dark"]) {
      for (const [{ page }, size] of [[ada, "desktop"], [bo, "phone"]]) {
        await page.emulateMedia({ colorScheme });
        await shot(page, `panel-${size}-${colorScheme}`);
      }
    }
    await bo.page.getByRole("button", { name: "Back to people" }).click();
    await shot(bo.page, "people-phone-dark");
    await ada.page.emulateMedia({ colorScheme: "light" });
    await bo.page.emulateMedia({ colorScheme: "light" });
  });

  await step(t, "only the admin has buttons to kick", async () => {
    assert.equal(await tab.page.locator(".kick:visible").count(), 0);
    assert.equal(await ada.page.locator(".kick:visible").count(), 2);
  });

  await step(t, "no request failed and no script threw", () => {
    assert.deepEqual(problems, []);
  });

  await step(t, "the admin kicks, and both tabs are back at the sign-in with the reason", async () => {
    await ada.page.getByRole("button", { name: "Kick bo" }).click();
    await ada.page.getByLabel("Reason").fill("Two tabs are one too many");
    await shot(ada.page, "kick-desktop-light");
    await ada.page.getByRole("button", { name: "Kick", exact: true }).click();
    for (const { page } of [bo, tab]) {
      await page.getByRole("alert").filter({ hasText: "ada kicked you: Two tabs are one too many" }).waitFor();
      assert.ok(await page.locator("#panel").isHidden());
    }
    await shot(tab.page, "kicked-desktop-dark");
    await shot(bo.page, "kicked-phone-light");
    await ada.seesOnline(["cy"]);
    assert.ok(await ada.page.locator("#kick").isHidden());
  });

  await step(t, "signing out everywhere takes the other device along", async () => {
    await bo.signsIn();
    await tab.signsIn();
    await tab.page.getByRole("button", { name: "Sign out everywhere" }).click();
    await tab.page.locator("#sign-in").waitFor();
    await bo.page.getByRole("alert").filter({ hasText: "you have signed out" }).waitFor();
    await ada.seesOnline(["cy"]);
  });

  await step(t, "a token that the server does not know any more leads back to the sign-in", async () => {
    await server.kill();
    await ada.page.locator("#banner", { hasText: "Connection lost, reconnecting…" }).waitFor();
    await shot(ada.page, "lost-desktop-light");
    await server.start();
    for (const { page } of [ada, cy]) {
      await page.getByRole("alert").filter({ hasText: "there is no such session" }).waitFor({ timeout: 2 * PATIENCE });
      assert.ok(await page.locator("#panel").isHidden());
    }
  });
});

/** A person at a page of their own. */
async function openPage(browser, server, name, problems, options) {
  const page = await newPage(browser, name, problems, options);
  const person = (other) => page.locator(`#people [data-name="${other}"]`);
  return {
    page,
    person,

    async signsIn() {
      if (page.url() === "about:blank") await page.goto(server.url);
      await page.getByLabel("Name").fill(name);
      await page.getByLabel("Password").fill(PASSWORDS[name]);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.locator("#panel").waitFor();
    },

    async looksAt(other) {
      await person(other).locator(".person").click();
      await page.locator("#talk-name", { hasText: other }).waitFor();
    },

    async writes(other, text) {
      if ((await page.locator("#talk-name:visible").count()) === 0) await this.looksAt(other);
      await page.getByLabel("Message", { exact: true }).fill(text);
      await page.getByLabel("Message", { exact: true }).press("Enter");
      await this.sees(text);
    },

    async sees(text) {
      const message = page.locator(".message .text").filter({ hasText: text });
      await message.waitFor();
      assert.equal(await message.count(), 1);
    },

    async seesOnline(names) {
      await eventually(async () => {
        assert.deepEqual(await page.locator("#people [data-online=true] .name").allTextContents(), names);
      });
    },
  };
}
