import assert from 'node:assert/strict';

import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { sleep } from '../support/wait.js';
import { Ws } from '../support/websocket.js';

const TIMEOUT_MS = 1000;

suite('connect timeout', { mode: 'sio5' }, (server) => {
  async function closedInTime(ws, from) {
    await ws.closed(TIMEOUT_MS + 1000);
    const took = Date.now() - from;
    assert.ok(took > TIMEOUT_MS - 150 && took < TIMEOUT_MS + 600, `${took} ms`);
  }

  test('websocket: without CONNECT it is closed', async () => {
    const from = Date.now();
    await closedInTime(await Ws.open(server), from);
  });

  test('websocket: a CONNECT that was refused does not count', async () => {
    const from = Date.now();
    const ws = await Ws.open(server);
    ws.send('40/unknown,');
    await ws.expect('44/unknown,{"message":"Invalid namespace"}');
    await closedInTime(ws, from);
  });

  test('polling: without CONNECT the standing GET brings the close packet', async () => {
    const session = await Polling.open(server);
    const from = Date.now();
    const packets = await session.packets((all) => all.includes('1'));
    assert.deepEqual(packets, ['1']);
    assert.ok(Date.now() - from > TIMEOUT_MS - 150);
    await session.assertGone();
  });

  test('one who joined stays, also after leaving again', async () => {
    const stays = await Ws.connect(server);
    const left = await Ws.open(server);
    await left.join('/custom');
    left.send('41/custom,');
    await sleep(TIMEOUT_MS + 300);
    await stays.assertAlive();
    await left.join('/custom');
  });
});
