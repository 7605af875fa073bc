// Connects over TLS with the official client, and with the page in a real browser.
//
//   EXAMPLES      folder of the examples' binaries
//   CHROMIUM      path of the browser (default: the usual places)
//   SCREENSHOTS   folder to write pictures of the page to (default: none)

import assert from "node:assert/strict";
import { once } from "node:events";
import { get as httpGet } from "node:http";
import { get as httpsGet } from "node:https";
import { test } from "node:test";
import { connect as tlsConnect } from "node:tls";
import { io } from "socket.io-client";

import { inBrowser, launch, newPage, picture, PHONE, STEP, step } from "./support/browser.js";
import { eventually, Example } from "./support/example.js";

test("tls: with the official client", { timeout: 60_000 }, async (t) => {
  const server = await Example.start(t, "tls", { scheme: "https" });
  const client = (options) => connect(t, server, options);
  const { ca, alpn, protocol } = await certificate(server);

  await step(t, "the server speaks a TLS of today, and HTTP/1.1 in it", async () => {
    assert.ok(["TLSv1.2", "TLSv1.3"].includes(protocol), protocol);
    assert.equal(alpn, "http/1.1");
    const h2 = certificate(server, { ALPNProtocols: ["h2"] });
    await assert.rejects(h2, { code: "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL" });
    await assert.rejects(certificate(server, { maxVersion: "TLSv1.1", minVersion: "TLSv1" }));
  });

  for (const transport of ["polling", "websocket"]) {
    await step(t, `who trusts the certificate connects by ${transport}`, async () => {
      for (const url of [server.url, server.url.replace("127.0.0.1", "localhost")]) {
        const socket = await client({ url, transports: [transport], ca });
        assert.equal(socket.io.engine.transport.name, transport);
        const { address } = await socket.emitWithAck("hello");
        assert.match(address, /^127\.0\.0\.1:\d+$/);
        const body = Buffer.from([0, 1, 2]);
        assert.deepEqual(await socket.emitWithAck("echo", { deep: [body] }), { deep: [body] });
        socket.disconnect();
      }
    });

    await step(t, `who does not look connects by ${transport}`, async () => {
      const socket = await client({ transports: [transport], rejectUnauthorized: false });
      assert.equal(await socket.emitWithAck("echo", "hi"), "hi");
      socket.disconnect();
    });

    await step(t, `who does not trust the certificate is not connected by ${transport}`, async () => {
      await assert.rejects(client({ transports: [transport] }), /xhr poll error|websocket error/);
    });
  }

  await step(t, "polling is upgraded to WebSocket", async () => {
    const socket = await client({ ca });
    await eventually(() => assert.equal(socket.io.engine.transport.name, "websocket"));
    assert.equal(await socket.emitWithAck("echo", 1), 1);
    socket.disconnect();
  });

  await step(t, "everyone is told how many there are", async () => {
    const ada = await client({ ca });
    await ada.emitWithAck("hello");
    const before = online(ada, 2);
    const bo = await client({ ca });
    await bo.emitWithAck("hello");
    await before;
    const after = online(ada, 1);
    bo.disconnect();
    await after;
  });

  await step(t, "without TLS there is nothing to hear", async () => {
    await assert.rejects(request(httpGet, server.url.replace("https", "http")));
    assert.equal((await request(httpsGet, server.url, { ca })).statusCode, 200);
  });

  await step(t, "the server ends by itself while clients are connected", async () => {
    const websocket = await client({ ca, transports: ["websocket"], reconnection: false });
    const polling = await client({ ca, transports: ["polling"], reconnection: false });
    const ends = [websocket, polling].map((socket) => once(socket, "disconnect"));
    await server.stop();
    for (const [reason] of await Promise.all(ends)) {
      assert.equal(reason, "transport close");
    }
  });
});

test("tls: a certificate that is not there is an error", async (t) => {
  const env = { CERT: "/nowhere/cert.pem", KEY: "/nowhere/key.pem" };
  await assert.rejects(Example.start(t, "tls", { scheme: "https", env }), /tls ended with 1/);
  await assert.rejects(Example.start(t, "tls", { scheme: "https", env: { CERT: env.CERT } }), /tls ended with 1/);
});

test("tls: with the page", inBrowser, async (t) => {
  const server = await Example.start(t, "tls", { scheme: "https" });
  const browser = await launch(t);
  const problems = [];
  const open = async (name, options) => {
    const page = await newPage(browser, name, problems, { ignoreHTTPSErrors: true, ...options });
    const sockets = [];
    page.on("websocket", (socket) => sockets.push(socket.url()));
    await page.goto(server.url);
    return Object.assign(page, { sockets });
  };
  const ada = await open("Ada", { colorScheme: "light" });
  let bo;

  await step(t, "a browser that does not trust the certificate does not come in", async () => {
    const page = await newPage(browser, "Eve", problems);
    await assert.rejects(page.goto(server.url), /ERR_CERT_AUTHORITY_INVALID/);
  });

  await step(t, "the page says that it is secure, and by what", async () => {
    await ada.locator("[data-state=secure] #verdict", { hasText: "Encrypted with TLS." }).waitFor();
    await shows(ada, "protocol", "wss");
    await shows(ada, "transport", "WebSocket");
    await shows(ada, "http", "https, http/1.1");
    await shows(ada, "address", /^127\.0\.0\.1:\d+$/);
    assert.match(ada.sockets[0], /^wss:/);
    assert.equal(await ada.evaluate(() => isSecureContext), true);
  });

  await step(t, "two people see that they are two", async () => {
    await shows(ada, "online", "1 online");
    bo = await open("Bo", { ...PHONE, colorScheme: "light" });
    await shows(ada, "online", "2 online");
    await shows(bo, "online", "2 online");
  });

  await step(t, "the transport can be chosen", async () => {
    await bo.locator("label", { hasText: "Polling" }).click();
    await shows(bo, "protocol", "https");
    await shows(bo, "transport", "long-polling");
    const known = bo.sockets.length;
    await bo.locator("label", { hasText: "WebSocket" }).click();
    await shows(bo, "protocol", "wss");
    await shows(bo, "transport", "WebSocket");
    assert.equal(bo.sockets.length, known + 1);
    await shows(ada, "online", "2 online");
  });

  await step(t, "round trips are measured", async () => {
    for (const page of [ada, bo]) {
      await page.getByRole("img", { name: /^The last ([4-9]|\d\d) round-trip times/ }).waitFor();
      await shows(page, "last", /^[\d.]+ ms$/);
      await shows(page, "median", /^[\d.]+ ms$/);
      assert.match(await page.locator("#line").getAttribute("d"), /^M[\d.]+ -?[\d.]+L.*600\.0 -?[\d.]+$/);
    }
  });

  await step(t, "pictures", async () => {
    if (!process.env.SCREENSHOTS) return;
    await ada.getByRole("img", { name: /^The last (1[2-9]|[2-9]\d) round-trip times/ }).waitFor();
    for (const colorScheme of ["light", "dark"]) {
      for (const [page, size] of [[ada, "desktop"], [bo, "phone"]]) {
        await page.emulateMedia({ colorScheme });
        await picture(page, `tls-${size}-${colorScheme}`);
      }
    }
    for (const page of [ada, bo]) await page.emulateMedia({ colorScheme: "light" });
  });

  await step(t, "no request failed and no script threw", () => {
    assert.deepEqual(problems, []);
  });

  await step(t, "a lost server is visible, and found again", async () => {
    await server.kill();
    await ada.locator("[data-state=lost]").waitFor();
    await ada.getByText("If the server came back with a new certificate").waitFor();
    await picture(ada, "tls-lost-desktop");
    await picture(bo, "tls-lost-phone");
    await server.start();
    for (const page of [ada, bo]) await page.locator("[data-state=secure]").waitFor({ timeout: 2 * STEP });
    await shows(ada, "online", "2 online");
  });
});

/** The certificate that the server shows, as who has seen it once would trust it, and how it was shown. */
async function certificate(server, options) {
  const wanted = { ALPNProtocols: ["h2", "http/1.1"], rejectUnauthorized: false, ...options };
  const socket = tlsConnect({ host: "127.0.0.1", port: server.port, ...wanted });
  try {
    await once(socket, "secureConnect");
    const base64 = socket.getPeerCertificate().raw.toString("base64");
    const ca = `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`;
    return { ca, alpn: socket.alpnProtocol, protocol: socket.getProtocol() };
  } finally {
    socket.destroy();
  }
}

async function connect(t, server, { url = server.url, ...options } = {}) {
  const socket = io(url, { forceNew: true, reconnectionDelay: 50, ...options });
  t.after(() => socket.disconnect());
  await new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  return socket;
}

function online(socket, count) {
  return new Promise((resolve) => socket.on("online", (is) => is === count && resolve()));
}

async function request(get, url, options = {}) {
  const [response] = await once(get(url, { agent: false, ...options }), "response");
  response.resume();
  return response;
}

async function shows(page, id, text) {
  await page.locator(`#${id}`).filter({ hasText: text }).waitFor();
}
