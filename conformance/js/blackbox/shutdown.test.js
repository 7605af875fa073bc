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
    const upgrading = await Polling.connect(server);
    const probe = await Ws.open(server, { query: { sid: upgrading.sid } });
    probe.send('2probe');
    await probe.expect('3probe');
    // As the official client does: the poll that is under way ends, and no other follows.
    await upgrading.get(5000);
    await sleep(50);
    const stopped = server.stop();
    await within(1000, 'the end of the websockets', ws.closed());
    assert.equal(probe.socket.readyState, probe.socket.OPEN, 'the upgrade was cut off');
    probe.send('5');
    await within(1000, 'the end of the upgrade', probe.closed());
    const took = await stopped;
    assert.notEqual(took, null, 'it had to be killed');
    await within(1000, 'end of the GET', get);
    await assert.rejects(idle.get(500));
  });
});
