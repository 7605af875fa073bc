// Has everything sent back by the echo of every framework, with the official client.
//
//   EXAMPLES   folder of the examples' binaries

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { io } from "socket.io-client";

import { eventually, Example } from "./support/example.js";

const ECHOES = ["axum-echo", "actix-echo", "warp-echo", "hyper-echo", "salvo-echo"];
const ARGS = ["hé", { list: [1, null, true] }, Buffer.from([0, 1, 255])];

for (const name of ECHOES) {
  test(name, { timeout: 30_000 }, async (t) => {
    const server = await Example.start(t, name);

    for (const transport of ["polling", "websocket"]) {
      await t.test(`by ${transport}`, async () => {
        const socket = await connect(t, server, { transports: [transport] });
        const reply = once(socket, "message");
        socket.emit("message", ...ARGS);
        assert.deepEqual(await reply, ARGS);
        const answer = new Promise((resolve) => socket.emit("ask", ...ARGS, (...args) => resolve(args)));
        assert.deepEqual(await answer, ARGS);
        socket.disconnect();
      });
    }

    await t.test("polling goes on as a websocket", async () => {
      const socket = await connect(t, server);
      await eventually(() => assert.equal(socket.io.engine.transport.name, "websocket"));
      assert.equal(await socket.timeout(2_000).emitWithAck("ask", "over websocket"), "over websocket");
      socket.disconnect();
    });

    await t.test("other paths are the application's", async () => {
      const answer = await fetch(server.url);
      assert.deepEqual([answer.status, await answer.text()], [200, "up"]);
    });

    await t.test("a server that stops sends its clients away, to come back", async () => {
      const socket = await connect(t, server, { transports: ["websocket"], reconnection: false });
      const end = once(socket, "disconnect");
      await server.stop();
      assert.equal((await end)[0], "transport close");
    });
  });
}

async function connect(t, server, options) {
  const socket = io(server.url, { forceNew: true, ...options });
  t.after(() => socket.disconnect());
  await once(socket, "connect");
  return socket;
}
