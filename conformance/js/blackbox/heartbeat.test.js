import assert from 'node:assert/strict';

import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { sleep } from '../support/wait.js';
import { Ws } from '../support/websocket.js';

const INTERVAL = 300;
const TIMEOUT = 200;

function assertBetween(value, least, most) {
  assert.ok(value >= least && value <= most, `${value} ms, expected ${least} to ${most}`);
}

for (const mode of ['eio4', 'sio5']) {
  suite(`heartbeat in ${mode}`, { mode }, (server) => {
    const connect = (options) => (mode === 'sio5' ? Ws.connect(server, options) : Ws.open(server, options));

    test('websocket: a ping after each interval, the first not at once', async () => {
      const ws = await connect({ pings: 'show' });
      for (let round = 0; round < 3; round += 1) {
        const from = Date.now();
        assert.equal(await ws.next(), '2');
        assertBetween(Date.now() - from, INTERVAL - 60, INTERVAL + 250);
        ws.send('3');
      }
    });

    test('websocket: without a pong it is closed', async () => {
      const ws = await connect({ pings: 'show' });
      const from = Date.now();
      assert.equal(await ws.next(), '2');
      await ws.closed();
      assertBetween(Date.now() - from, INTERVAL + TIMEOUT - 60, INTERVAL + TIMEOUT + 500);
    });

    test('polling: pings come in the standing GET, and pongs keep the session', async () => {
      const session = await Polling.open(server);
      if (mode === 'sio5') await session.post('40');
      let pings = 0;
      for (const end = Date.now() + 4 * INTERVAL + 300; Date.now() < end; ) {
        const { status, text } = await session.get();
        assert.equal(status, 200);
        if (text.split('\x1e').includes('2')) {
          pings += 1;
          await session.post('3');
        }
      }
      assertBetween(pings, 3, 5);
    });

    test('polling: without a pong the session is gone', async () => {
      const session = await Polling.open(server);
      assert.equal((await session.get()).text, '2');
      await sleep(TIMEOUT + 300);
      await session.assertGone();
    });

    test('polling: a client that comes no more is forgotten', async () => {
      const session = await Polling.open(server);
      await sleep(INTERVAL + TIMEOUT + 300);
      await session.assertGone();
    });
  });
}

suite('heartbeat in abuse', { mode: 'abuse' }, (server) => {
  test('a socket that stopped answering ended with ping timeout', async () => {
    const witness = await Ws.connect(server);
    const ws = await Ws.connect(server, { pings: 'show' });
    assert.equal(await ws.next(), '2');
    await ws.closed(2500);
    assert.equal(await witness.reasonOf(ws.id), 'ping timeout');
  });

  test('a polling socket that came no more ended with ping timeout', async () => {
    const witness = await Ws.connect(server);
    const session = await Polling.connect(server);
    await sleep(2500);
    assert.equal(await witness.reasonOf(session.id), 'ping timeout');
    await session.assertGone();
  });
});
