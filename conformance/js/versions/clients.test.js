import assert from 'node:assert/strict';

import { upgraded } from '../support/client.js';
import { suite, test } from '../support/suite.js';
import { until } from '../support/wait.js';
import { beginOld, connectOld, eachVersion } from '../support/versions.js';

const bytes = (...values) => Buffer.from(values);
const all = Buffer.from(Array.from({ length: 256 }, (_, value) => value));

const CASES = {
  'one attachment': [bytes(1, 2, 3)],
  'an empty attachment': [Buffer.alloc(0)],
  'all byte values': ['a', all, null],
  'nested attachments': [{ name: 'é', deep: [{ file: bytes(1) }, [[bytes(2)], '€']], last: bytes(3) }],
  'no argument': [],
  'each JSON type': [0, -1.5, 1e21, true, false, null, 'x', [], { a: [1, { b: [[], {}] }] }],
  'text that looks like packets': ['42["x"]', '\x1e', '2:40', '\\n\\\\n\n', '451-["b",{"_placeholder":true}]'],
  'characters that JSON or JavaScript escapes': ['\u0000\u001f', '"quoted" \\ / \b\f\n\r\t'],
  'text in many scripts': ['Größe', 'てすと', 'Я Б Г', '👩‍👩‍👧‍👦', '\u2028\u2029', '\ud83d\ude80'],
};

suite('clients of other versions', {}, (server) => {
  eachVersion((name, version, options) => {
    for (const [what, args] of Object.entries(CASES)) {
      test(`${name}: ${what} comes back as it was`, async () => {
        const socket = await connectOld(version, server, options);
        socket.emit('message', ...args);
        assert.deepEqual(await socket.next('message-back'), args);
        assert.deepEqual(await socket.ask('message-with-ack', ...args), args);
      });
    }

    test(`${name}: the client acknowledges, with text and binary`, async () => {
      const socket = await connectOld(version, server, options);
      socket.on('message', (...args) => args.pop()('got', all, args));
      socket.emit('emit-with-ack', 1, { file: bytes(7) });
      assert.deepEqual(await socket.next('emit-with-ack'), ['got', all, [1, { file: bytes(7) }]]);
    });

    test(`${name}: many at once come in order and each get their own answer`, async () => {
      const socket = await connectOld(version, server, options);
      const numbers = Array.from({ length: 50 }, (_, number) => number);
      numbers.forEach((number) => socket.emit('message', number, bytes(number)));
      const answers = await Promise.all(numbers.map((number) => socket.ask('message-with-ack', number)));
      assert.deepEqual(answers, numbers.map((number) => [number]));
      for (const number of numbers) assert.deepEqual(await socket.next('message-back'), [number, bytes(number)]);
    });

    test(`${name}: the server knows the protocol, the transport and the query`, async () => {
      const query = { plain: 'x', '&=é key': '&=?/ é+%' };
      const socket = await connectOld(version, server, { ...options, query });
      const [me] = await socket.ask('whoami');
      assert.deepEqual([me.nsp, me.eio, me.auth], ['/', version.eio, {}]);
      for (const [key, value] of Object.entries(query)) assert.equal(me.query[key], value);
      if (options.transports.length === 1) assert.deepEqual(options.transports, [me.transport]);
    });

    test(`${name}: the server's socket id is not the session id`, async () => {
      const main = await connectOld(version, server, options);
      const custom = await connectOld(version, server, {}, { on: main.io, nsp: '/custom' });
      const ids = (await Promise.all([main, custom].map((socket) => socket.ask('whoami')))).map(([me]) => me.id);
      for (const id of ids) assert.match(id, /^[A-Za-z0-9_-]{20}$/);
      assert.equal(new Set([...ids, main.io.engine.id]).size, 3);
      if (version.eio === 4) assert.deepEqual(ids, [main.id, custom.id]);
    });

    if (options.transports.length === 2) {
      test(`${name}: events pass before, during and after the upgrade`, async () => {
        const socket = await connectOld(version, server, options);
        for (let number = 0; number < 20; number += 1) socket.emit('message', number, bytes(number));
        await upgraded(socket);
        for (let number = 20; number < 40; number += 1) socket.emit('message', number, bytes(number));
        for (let number = 0; number < 40; number += 1) {
          assert.deepEqual(await socket.next('message-back'), [number, bytes(number)]);
        }
        assert.equal((await socket.ask('whoami'))[0].transport, 'websocket');
      });
    }

    test(`${name}: a namespace with an auth payload`, async () => {
      const auth = { token: 'a b&c=d?', other: 'ü' };
      const socket = await connectOld(version, server, options, { nsp: '/custom', auth });
      assert.deepEqual(await socket.next('auth'), [auth]);
      socket.emit('message', { file: all });
      assert.deepEqual(await socket.next('message-back'), [{ file: all }]);
      assert.equal((await socket.ask('whoami'))[0].nsp, '/custom');
    });

    test(`${name}: a middleware refuses, and lets in at the next try`, async () => {
      const main = await connectOld(version, server, options);
      const refused = beginOld(version, server, {}, { on: main.io, nsp: '/auth', auth: { token: 'bad' } });
      assert.deepEqual(await refused.refused(), { code: 401, hint: 'token' });
      assert.equal(refused.connected, false);
      const member = await connectOld(version, server, options, { nsp: '/auth', auth: { token: 'good' } });
      assert.deepEqual(await member.next('auth'), [{ token: 'good' }]);
      assert.deepEqual(await main.ask('message-with-ack', 1), [1]);
    });

    test(`${name}: an unknown namespace is refused, and the connection stays`, async () => {
      const main = await connectOld(version, server, options);
      const refused = beginOld(version, server, {}, { on: main.io, nsp: '/unknown' });
      assert.deepEqual(await refused.refused(), { message: 'Invalid namespace' });
      const dynamic = await connectOld(version, server, {}, { on: main.io, nsp: '/dyn-7' });
      assert.deepEqual(await dynamic.ask('message-with-ack', 1), [1]);
      assert.deepEqual(await main.ask('message-with-ack', 2), [2]);
    });

    test(`${name}: rooms`, async () => {
      const sockets = await Promise.all([1, 2, 3].map(() => connectOld(version, server, options)));
      const [ann, bob, eve] = sockets;
      const room = `room of ${name}`;
      assert.deepEqual(await ann.ask('join', room), ['ok']);
      assert.deepEqual(await bob.ask('join', room), ['ok']);
      eve.emit('room-emit', room, 'x', { bytes: bytes(7) });
      for (const member of [ann, bob]) assert.deepEqual(await member.next('room-msg'), ['x', { bytes: bytes(7) }]);
      assert.deepEqual(await ann.ask('leave', room), ['ok']);
      eve.emit('room-emit', room, 'again');
      assert.deepEqual(await bob.next('room-msg'), ['again']);
      await Promise.all(sockets.map((socket) => socket.ask('message-with-ack')));
      for (const socket of sockets) assert.equal(socket.pending('room-msg'), 0);
    });

    test(`${name}: the reasons of a disconnect`, async () => {
      const witness = await connectOld(version, server, options);
      const reasonOf = (id) => until(2000, `reason of ${id}`, async () => (await witness.ask('reason-of', id))[0]);
      const idOf = async (socket) => (await socket.ask('whoami'))[0].id;

      const left = await connectOld(version, server, options, { nsp: '/custom' });
      const leftId = await idOf(left);
      left.disconnect();
      assert.equal(await reasonOf(leftId), 'client namespace disconnect');

      const kicked = await connectOld(version, server, options);
      const kickedId = await idOf(kicked);
      kicked.emit('bye');
      assert.deepEqual((await kicked.next('disconnect'))[0], 'io server disconnect');
      assert.equal(await reasonOf(kickedId), 'server namespace disconnect');

      const ended = await connectOld(version, server, options);
      const endedId = await idOf(ended);
      ended.emit('bye-all');
      assert.deepEqual((await ended.next('disconnect'))[0], 'io server disconnect');
      assert.equal(await reasonOf(endedId), 'server namespace disconnect');

      const closed = await connectOld(version, server, options);
      const closedId = await idOf(closed);
      if (options.transports.length === 2) await upgraded(closed);
      closed.io.engine.close();
      assert.equal(await reasonOf(closedId), 'transport close');
    });
  });
});
