import assert from 'node:assert/strict';

import { refusal, request, target } from '../support/http.js';
import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { Ws, handshakeStatus } from '../support/websocket.js';

suite('hooks for requests and responses', { mode: 'eioclient' }, (server) => {
  const names = (headers) => (headers['set-cookie'] ?? []).map((cookie) => cookie.split('=')[0]);

  test('headers of the first answer are on that alone', async () => {
    const first = await request(server, target(server));
    assert.deepEqual(names(first.headers), ['1', '2', '3', '4']);
    const session = new Polling(server, JSON.parse(first.text.slice(1)));
    assert.deepEqual(names((await session.get()).headers), []);
    assert.deepEqual(names((await session.post('4x')).headers), []);
  });

  test('a websocket has them, too', async () => {
    const ws = new Ws(server);
    const headers = new Promise((resolve) => ws.socket.once('upgrade', (answer) => resolve(answer.headers)));
    assert.deepEqual(names(await headers), ['1', '2', '3', '4']);
  });

  test('one that is not allowed is refused', async () => {
    const answer = await request(server, target(server, { deny: 1 }));
    assert.deepEqual([answer.status, answer.text], [403, refusal(4)]);
    assert.notEqual((await handshakeStatus(new Ws(server, { query: { deny: 1 } }))).status, 101);
  });

  test('the headers of a POST are seen at its response', async () => {
    const session = await Polling.open(server);
    assert.equal(await session.packet(), '4hi');
    await session.send('4sendHeaders', { 'X-Name': 'value' });
    const headers = JSON.parse((await session.packet()).slice(1));
    assert.equal(headers['x-name'], 'value');
  });
});
