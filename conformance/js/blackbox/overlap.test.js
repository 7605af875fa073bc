import assert from 'node:assert/strict';

import { tcp } from '../support/http.js';
import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { sleep, within } from '../support/wait.js';
import { Ws } from '../support/websocket.js';

suite('overlapping requests', {}, (server) => {
  test('a second GET: 400, the first is answered with a close packet, the session ends', async () => {
    const session = await Polling.connect(server);
    const first = session.get();
    await sleep(100);
    const second = await session.get();
    assert.equal(second.status, 400);
    const { status, text } = await first;
    assert.deepEqual([status, text], [200, '1']);
    await session.assertGone();
    const witness = await Ws.connect(server);
    assert.equal(await witness.reasonOf(session.id), 'transport error');
  });

  test('a second POST: 400, the first is cut off, the session ends', async () => {
    const session = await Polling.connect(server);
    const first = tcp(server, `POST ${session.target} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n42["mess`);
    await sleep(100);
    const second = await session.send('42["message",1]');
    assert.equal(second.status, 400);
    const received = await within(2000, 'end of the first POST', first.ended);
    assert.doesNotMatch(received, /^HTTP\/1.1 2/);
    await session.assertGone();
    const witness = await Ws.connect(server);
    assert.equal(await witness.reasonOf(session.id), 'transport error');
  });

  test('a GET and a POST at once are as it should be', async () => {
    const session = await Polling.connect(server);
    const get = session.get();
    await sleep(50);
    await session.post('42["message",1]');
    assert.equal((await get).text, '42["message-back",1]');
  });
});
