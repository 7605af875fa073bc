import assert from 'node:assert/strict';

import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { sleep, within } from '../support/wait.js';
import { Ws } from '../support/websocket.js';

suite('shutdown', {}, (server) => {
  test('SIGTERM ends the server within 3 s, whoever is connected', async () => {
    const ws = await Ws.connect(server);
    const idle = await Polling.connect(server);
    const polling = await Polling.connect(server);
    const get = polling.get(5000).catch((error) => error);
    await sleep(50);
    const took = await server.stop();
    assert.notEqual(took, null, 'it had to be killed');
    await ws.closed();
    await within(1000, 'end of the GET', get);
    await assert.rejects(idle.get(500));
  });
});
