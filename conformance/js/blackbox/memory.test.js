import assert from 'node:assert/strict';

import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { Ws } from '../support/websocket.js';

const MEGABYTE = 1_000_000;
const TEXT = 'x'.repeat(900_000);
const EVENTS = 80;

/** What the server queues for a client before it gives it up (16 MB), for readers that share it, and some air. */
const BOUND = 45 * MEGABYTE;

async function stuckReaders(server) {
  for (let count = 0; count < 3; count += 1) {
    (await Ws.connect(server)).socket.pause();
    await Polling.connect(server);
  }
}

/** Sends 72 MB through the server, as fast as a reader that reads takes it. */
async function flood(server, event) {
  const [sender, reader] = [await Ws.connect(server), await Ws.connect(server)];
  for (let count = 0; count < EVENTS; count += 1) {
    sender.send(`42${JSON.stringify([event, count, TEXT])}`);
    assert.match((await reader.next(5000)).slice(0, 30), new RegExp(`"[a-z-]+",${count},`));
  }
  await sender.assertAlive();
}

suite('memory', {}, (server) => {
  for (const event of ['broadcast-volatile', 'broadcast']) {
    test(`${event}: readers that stopped hold no more than their share`, async () => {
      await stuckReaders(server);
      const before = await server.memory();
      await flood(server, event);
      const grown = (await server.memory()) - before;
      assert.ok(grown < BOUND, `${grown / MEGABYTE} MB more`);
    });
  }
});
