import assert from 'node:assert/strict';

import { tcp } from '../support/http.js';
import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { sleep, until } from '../support/wait.js';
import { Ws } from '../support/websocket.js';

suite('aborted requests', {}, (server) => {
  async function endsWithTransportError(session) {
    const witness = await Ws.connect(server);
    const reason = await until(1500, 'end of the session', () => witness.reasonOf(session.id));
    assert.equal(reason, 'transport error');
    await session.assertGone();
  }

  test('a GET that is hung up ends the session', async () => {
    const session = await Polling.connect(server);
    const get = session.get();
    await sleep(100);
    get.abort();
    await endsWithTransportError(session);
  });

  test('a POST that is hung up in its body ends the session', async () => {
    const session = await Polling.connect(server);
    const wire = tcp(server, `POST ${session.target} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n42["mess`);
    await sleep(100);
    wire.socket.destroy();
    await endsWithTransportError(session);
  });
});
