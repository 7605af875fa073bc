import assert from 'node:assert/strict';

import { request, target } from '../support/http.js';
import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { Ws } from '../support/websocket.js';

const KEYS = ['sid', 'upgrades', 'pingInterval', 'pingTimeout', 'maxPayload'];
const NUMBERS = { pingInterval: 300, pingTimeout: 200, maxPayload: 1000000 };

suite('handshake', { mode: 'eio4' }, (server) => {
  test('polling: one OPEN packet, with its keys in order', async () => {
    const answer = await request(server, target(server));
    assert.equal(answer.status, 200);
    assert.equal(answer.text[0], '0');
    const opening = JSON.parse(answer.text.slice(1));
    assert.deepEqual(Object.keys(opening), KEYS);
    const { sid, upgrades, ...numbers } = opening;
    assert.match(sid, /^[A-Za-z0-9_-]{20}$/);
    assert.deepEqual(upgrades, ['websocket']);
    assert.deepEqual(numbers, NUMBERS);
  });

  test('polling: headers', async () => {
    const { headers, body } = await request(server, target(server));
    assert.equal(headers['content-type'].toLowerCase(), 'text/plain; charset=utf-8');
    assert.equal(headers['content-length'], String(body.length));
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['set-cookie'], undefined);
  });

  test('websocket: the OPEN packet offers no upgrade', async () => {
    const { opening } = await Ws.open(server);
    assert.deepEqual(Object.keys(opening), KEYS);
    const { sid, upgrades, ...numbers } = opening;
    assert.match(sid, /^[A-Za-z0-9_-]{20}$/);
    assert.deepEqual(upgrades, []);
    assert.deepEqual(numbers, NUMBERS);
  });

  test('each session has an id of its own', async () => {
    const sids = await Promise.all(Array.from({ length: 20 }, async () => (await Polling.open(server)).sid));
    assert.equal(new Set(sids).size, 20);
  });

  test('the cache buster and unknown parameters are ignored', async () => {
    await Polling.open(server, { t: 'abc.0', b64: 1, foo: '%', 'ключ': 'é' });
  });

  test('the order of parameters is free', async () => {
    const answer = await request(server, `${server.path}?transport=polling&t=1&EIO=4`);
    assert.equal(answer.status, 200);
  });

  test('the headers of a GET that brings packets', async () => {
    const session = await Polling.open(server);
    await session.post('4é');
    const { status, headers, text } = await session.get();
    assert.deepEqual([status, text], [200, '4é']);
    assert.equal(headers['content-type'].toLowerCase(), 'text/plain; charset=utf-8');
    assert.equal(headers['content-length'], '3');
    assert.equal(headers['cache-control'], 'no-store');
  });
});
