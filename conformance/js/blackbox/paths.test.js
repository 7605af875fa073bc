import assert from 'node:assert/strict';

import { request } from '../support/http.js';
import { suite, test } from '../support/suite.js';
import { handshakeStatus, Ws } from '../support/websocket.js';

suite('paths', {}, (server) => {
  for (const path of ['/', '/socket.iofoo', '/socket.iofoo/', '/foo/socket.io/', '/Socket.io/', '/engine.io/']) {
    test(`nothing is served at ${path}`, async () => {
      const answer = await request(server, `${path}?EIO=4&transport=polling`);
      assert.ok(answer.status >= 400 && answer.status < 500, String(answer.status));
    });
  }

  test('no websocket is opened at another path', async () => {
    const elsewhere = { ...server, port: server.port, path: '/socket.iofoo/' };
    const { status } = await handshakeStatus(new Ws(elsewhere)).catch(() => ({ status: 'closed' }));
    assert.notEqual(status, 101);
  });
});
