import assert from 'node:assert/strict';

import { refusal, request, target } from '../support/http.js';
import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { Ws } from '../support/websocket.js';

const UNKNOWN = 'AAAAAAAAAAAAAAAAAAAA';

suite('refused requests', { mode: 'eio4' }, (server) => {
  async function refused(code, query, options) {
    const { status, headers, text } = await request(server, target(server, query), options);
    assert.deepEqual([status, text], [400, refusal(code)]);
    assert.match(headers['content-type'], /^application\/json/);
  }

  for (const transport of ['foo', '', null, 'webtransport', 'Polling', 'constructor', '__proto__']) {
    const what = transport === null ? 'no transport' : `transport "${transport}"`;
    test(`0: ${what}`, () => refused(0, { transport }));
  }

  for (const sid of [UNKNOWN, 'a', 'é', '%', '../..', '\0', ' ', 'A'.repeat(19), 'A'.repeat(2000), '__proto__', '-1']) {
    test(`1: sid ${JSON.stringify(sid.slice(0, 24))}`, async () => {
      await refused(1, { sid });
      await refused(1, { sid }, { method: 'POST', body: '4hello' });
    });
  }

  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    test(`2: ${method} without a sid`, () => refused(2, {}, { method, body: '' }));
  }

  test('3: a websocket transport without an upgrade', () => refused(3, { transport: 'websocket' }));

  test('3: the session of a GET with another transport, which is unharmed', async () => {
    const session = await Polling.open(server);
    await refused(3, { sid: session.sid, transport: 'websocket' });
    await session.post('4unharmed');
    assert.equal(await session.packet(), '4unharmed');
  });

  test('3: polling for a websocket session, which is unharmed', async () => {
    const ws = await Ws.open(server);
    await refused(3, { sid: ws.sid });
    await refused(3, { sid: ws.sid }, { method: 'POST', body: '4hello' });
    ws.send('4unharmed');
    await ws.expect('4unharmed');
  });

  test('3: another protocol revision than that of the session', async () => {
    const session = await Polling.open(server);
    await refused(3, { sid: session.sid, EIO: 3 });
  });

  for (const EIO of ['3', '5', '', '04', 'four', null]) {
    test(`5: EIO ${EIO ?? 'missing'} where only 4 is spoken`, () => refused(5, { EIO }));
  }

  test('of several faults the first in order is named', async () => {
    await refused(0, { transport: 'foo', sid: UNKNOWN, EIO: 5 });
    await refused(1, { sid: UNKNOWN, EIO: 5 }, { method: 'PUT', body: '' });
    await refused(2, { EIO: 5 }, { method: 'POST', body: '' });
    await refused(3, { transport: 'websocket', EIO: 5 });
  });
});
