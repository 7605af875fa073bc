import assert from 'node:assert/strict';

import { refusal, target, tcp } from '../support/http.js';
import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { until } from '../support/wait.js';
import { Ws } from '../support/websocket.js';

const GOOD = {
  Host: '127.0.0.1',
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

suite('websocket handshake', { mode: 'eio4' }, (server) => {
  async function shake(query = {}, changes = {}, { method = 'GET', version = '1.1' } = {}) {
    const lines = Object.entries({ ...GOOD, ...changes })
      .filter(([, value]) => value !== null)
      .map(([name, value]) => `${name}: ${value}\r\n`);
    const at = target(server, { transport: 'websocket', ...query });
    const wire = tcp(server, `${method} ${at} HTTP/${version}\r\n${lines.join('')}\r\n`);
    const complete = () => {
      const [head, body] = wire.received.split('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      return body !== undefined && body.length >= length ? { head, body } : null;
    };
    const { head, body } = await until(2000, 'answer', complete);
    return { status: Number(head.split(' ')[1]), head: head.toLowerCase(), body };
  }

  test('a good one gets 101 and the accept key of RFC 6455', async () => {
    const { status, head } = await shake();
    assert.equal(status, 101);
    assert.match(head, /sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk\+xoo=/);
    assert.doesNotMatch(head, /sec-websocket-extensions/);
  });

  test('header names, tokens and lists in other forms are understood', async () => {
    const { status } = await shake({}, { Connection: 'keep-alive, upgrade', Upgrade: 'WebSocket' });
    assert.equal(status, 101);
  });

  for (const version of ['9', '14', 'x', null]) {
    test(`version ${version}: 400, and the versions that are spoken`, async () => {
      const { status, head } = await shake({}, { 'Sec-WebSocket-Version': version });
      assert.equal(status, 400);
      assert.match(head, /sec-websocket-version: .*13/);
    });
  }

  const MALFORMED = {
    'no key': { 'Sec-WebSocket-Key': null },
    'a short key': { 'Sec-WebSocket-Key': 'abc' },
    'another protocol in Upgrade': { Upgrade: 'h2c' },
    'a body': { 'Content-Length': '5' },
    'a body in chunks': { 'Transfer-Encoding': 'chunked' },
  };
  for (const [what, changes] of Object.entries(MALFORMED)) {
    test(`${what}: 400`, async () => assert.equal((await shake({}, changes)).status, 400));
  }

  test('HTTP/1.0: refused', async () => {
    const { status } = await shake({}, {}, { version: '1.0' });
    assert.ok(status >= 400, String(status));
  });

  test('an Upgrade that is a list, and no body of no bytes', async () => {
    const { status } = await shake({}, { Upgrade: 'websocket, h2c', 'Content-Length': '0' });
    assert.equal(status, 101);
  });

  const ORDINARY = {
    'no Upgrade header': { Upgrade: null, Connection: 'keep-alive' },
    'no upgrade in Connection': { Connection: 'keep-alive' },
    'no Connection header': { Connection: null },
  };
  for (const [what, changes] of Object.entries(ORDINARY)) {
    test(`${what}: an ordinary bad request`, async () => {
      const { status, body } = await shake({}, changes);
      assert.equal(status, 400);
      assert.ok(body.includes(refusal(3)), body);
    });
  }

  const REFUSED = {
    'unknown sid': [{ sid: 'AAAAAAAAAAAAAAAAAAAA' }, 'Session ID unknown'],
    'malformed sid': [{ sid: '../x' }, 'Session ID unknown'],
    'unknown transport': [{ transport: 'foo' }, 'Transport unknown'],
  };
  for (const [what, [query, message]] of Object.entries(REFUSED)) {
    test(`${what}: 400 before any 101`, async () => {
      const { status, body } = await shake(query);
      assert.equal(status, 400);
      assert.ok(body.includes(message), body);
    });
  }

  test('a POST that wants to upgrade is refused', async () => {
    const { status } = await shake({}, {}, { method: 'POST' });
    assert.ok(status >= 400 && status < 500, String(status));
  });

  for (const query of [{ transport: 'polling' }, { EIO: 3 }, { EIO: 5 }]) {
    test(`${JSON.stringify(query)} is refused, or closed at once and without a session`, async () => {
      const ws = new Ws(server, { query });
      await ws.closed();
      if (ws.inbox.size) assert.doesNotMatch(await ws.next(), /"sid"/);
    });
  }

  test('a refused handshake leaves the session of its sid unharmed', async () => {
    const session = await Polling.open(server);
    const { status } = await shake({ sid: session.sid }, { 'Sec-WebSocket-Version': '9' });
    assert.equal(status, 400);
    const ws = await Ws.open(server, { query: { sid: session.sid } });
    ws.send('2probe', '5', '4hello');
    await ws.expect('3probe', '4hello');
  });
});
