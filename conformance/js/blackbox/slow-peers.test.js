import assert from 'node:assert/strict';

import { tcp } from '../support/http.js';
import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { until, within } from '../support/wait.js';
import { Ws } from '../support/websocket.js';

suite('slow peers', { mode: 'abuse' }, (server) => {
  test('a websocket that stopped reading leaves its namespace, the others are unharmed', async () => {
    const sender = await Ws.connect(server);
    const reader = await Ws.connect(server);
    const stuck = await Ws.connect(server);
    stuck.socket.pause();
    const payload = `42["broadcast","${'x'.repeat(900_000)}"]`;
    for (let count = 0; count < 12; count += 1) {
      sender.send(payload);
      assert.equal((await reader.next()).length, payload.length + '-msg'.length);
    }
    await until(5000, 'end of the stuck socket', () => sender.reasonOf(stuck.id));
    await sender.assertAlive();
    await reader.assertAlive();
  });

  test('a POST whose body never ends is cut off, and its session ends', async () => {
    const session = await Polling.connect(server);
    const wire = tcp(server, `POST ${session.target} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n42["mess`);
    await within(8000, 'end of the POST', wire.ended);
    await session.assertGone();
  });
});
