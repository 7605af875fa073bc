import assert from 'node:assert/strict';

import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { sleep } from '../support/wait.js';
import { Ws } from '../support/websocket.js';

const UPGRADE_TIMEOUT_MS = 3000;

suite('failed upgrade', {}, (server) => {
  const attach = (session) => Ws.open(server, { query: { sid: session.sid } });

  async function upgrade(session) {
    const ws = await attach(session);
    ws.send('2probe', '5');
    await ws.expect('3probe');
    await ws.assertAlive();
  }

  const WRONG = {
    'a message instead of the probe': ['42["message",1]'],
    'a plain ping instead of the probe': ['2'],
    'another probe text': ['2other'],
    'a message instead of the upgrade packet': ['2probe', '42["message",1]'],
    junk: ['abc'],
    binary: [Buffer.from([1, 2, 3])],
  };

  for (const [what, packets] of Object.entries(WRONG)) {
    test(`${what} closes the websocket, polling is unharmed`, async () => {
      const session = await Polling.connect(server);
      const ws = await attach(session);
      ws.send(...packets);
      await ws.closed();
      await session.assertAlive();
      await upgrade(session);
    });
  }

  for (const packets of [[], ['2probe']]) {
    test(`a websocket lost after ${packets[0] ?? 'its handshake'} leaves polling unharmed`, async () => {
      const session = await Polling.connect(server);
      const ws = await attach(session);
      ws.send(...packets);
      if (packets.length) await ws.expect('3probe');
      ws.socket.terminate();
      await session.assertAlive();
      await upgrade(session);
    });

    test(`silence after ${packets[0] ?? 'the handshake'} closes the websocket, polling is unharmed`, async () => {
      const session = await Polling.connect(server);
      const ws = await attach(session);
      const from = Date.now();
      ws.send(...packets);
      let open = true;
      ws.ending.then(() => {
        open = false;
      });
      while (open) {
        assert.ok(Date.now() - from < UPGRADE_TIMEOUT_MS + 1500, 'the websocket is still open');
        await session.assertAlive();
        await sleep(100);
      }
      assert.ok(Date.now() - from > UPGRADE_TIMEOUT_MS - 500, `closed after ${Date.now() - from} ms`);
      await session.assertAlive();
      await upgrade(session);
    });
  }

  test('a payload over the limit in a probe leaves polling unharmed', async () => {
    const session = await Polling.connect(server);
    const ws = await attach(session);
    ws.send(`2${'x'.repeat(1_000_001)}`);
    await ws.closed();
    await session.assertAlive();
  });
});
