import assert from 'node:assert/strict';
import parser from 'socket.io-msgpack-parser';

import { begin, connect, eachWay, manager } from '../support/client.js';
import { suite, test } from '../support/suite.js';
import { Ws } from '../support/websocket.js';

const bytes = (...values) => Buffer.from(values);
const date = new Date('2020-01-02T03:04:05.678Z');
const large = Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i]));

/** What is sent, and what comes back where that is not the same. */
const CASES = {
  'no argument': [[]],
  'each JSON type': [[0, -1.5, 1e-300, true, false, null, 'x', [], {}]],
  'numbers of every size': [[127, 128, 255, 256, 65_535, 65_536, 2 ** 32, 2 ** 53, -32, -33, -129, -32_769, -(2 ** 40)]],
  'text in many scripts': [['Größe', 'てすと', '👩‍👩‍👧‍👦', '"quoted" \\ / \u0000\n', 'x'.repeat(70_000)]],
  'long lists and large objects': [[Array.from({ length: 20 }, (_, i) => i), large]],
  'bytes among other arguments': [['a', bytes(1), { deep: [bytes(), bytes(2, 3)] }]],
  'an ArrayBuffer': [[new Uint8Array([1, 2]).buffer], [bytes(1, 2)]],
  'a Date, as JSON has it': [[date, { date }], [date.toJSON(), { date: date.toJSON() }]],
  'undefined, as JSON has it': [[undefined, [undefined], { a: undefined, b: 1 }], [null, [null], { b: 1 }]],
  'what looks like a placeholder': [[{ _placeholder: true, num: 7 }]],
};

suite('MessagePack', { env: { PARSER: 'msgpack' } }, (server) => {
  eachWay((way, options) => {
    for (const [what, [args, back = args]] of Object.entries(CASES)) {
      test(`${way}: ${what}`, async () => {
        const socket = await connect(server, { ...options, parser });
        socket.emit('message', ...args);
        assert.deepEqual(await socket.next('message-back'), back);
      });
    }

    test(`${way}: acknowledgements, both ways`, async () => {
      const socket = await connect(server, { ...options, parser });
      assert.deepEqual(await socket.ask('message-with-ack', 1, bytes(2)), [1, bytes(2)]);
      socket.on('message', (...received) => received.pop()('x', ...received));
      socket.emit('emit-with-ack', bytes(9));
      assert.deepEqual(await socket.next('emit-with-ack'), ['x', bytes(9)]);
    });

    test(`${way}: namespaces, auth and refusals`, async () => {
      const on = manager(server, { ...options, parser });
      const refused = begin(server, {}, { on, nsp: '/auth', auth: { token: 'bad' } });
      const [error] = await refused.next('connect_error');
      assert.deepEqual([error.message, error.data], ['not authorized', { code: 401, hint: 'token' }]);
      const unknown = begin(server, {}, { on, nsp: '/unknown' });
      assert.equal((await unknown.next('connect_error'))[0].message, 'Invalid namespace');
      const socket = await connect(server, {}, { on, nsp: '/custom', auth: { token: 1 } });
      assert.deepEqual(await socket.next('auth'), [{ token: 1 }]);
      socket.emit('bye');
      assert.deepEqual((await socket.next('disconnect'))[0], 'io server disconnect');
    });

    test(`${way}: broadcasts and rooms`, async () => {
      const [one, other] = [await connect(server, { ...options, parser }), await connect(server, { ...options, parser })];
      await other.ask('join', 'msgpack');
      one.emit('room-emit', 'msgpack', { file: bytes(1) });
      assert.deepEqual(await other.next('room-msg'), [{ file: bytes(1) }]);
      one.emit('broadcast', 1);
      assert.deepEqual(await other.next('broadcast-msg'), [1]);
    });
  });

  test('what is no packet closes the connection, and harms nobody else', async () => {
    const bystander = await connect(server, { parser });
    for (const frame of ['40', '42["message"]', bytes(), bytes(0xc1), bytes(0x81, 0xa4), Buffer.alloc(1000, 0x91)]) {
      const ws = await Ws.open(server);
      ws.send(frame instanceof Buffer ? frame : `4${frame}`);
      await ws.closed();
    }
    assert.deepEqual(await bystander.ask('message-with-ack', 1), [1]);
  });
});
