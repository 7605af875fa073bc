import assert from 'node:assert/strict';

import { begin, connect, eachWay } from '../support/client.js';
import { suite, test } from '../support/suite.js';

suite('middleware', {}, (server) => {
  eachWay((way, options) => {
    test(`${way}: a bad token is refused with message and data`, async () => {
      const socket = begin(server, options, { nsp: '/auth', auth: { token: 'bad' } });
      const [error] = await socket.next('connect_error');
      assert.equal(error.message, 'not authorized');
      assert.deepEqual(error.data, { code: 401, hint: 'token' });
      assert.equal(socket.connected, false);
    });

    test(`${way}: any other token is let in`, async () => {
      for (const auth of [{ token: 'good' }, { token: ['bad'] }, {}, undefined]) {
        const socket = await connect(server, options, { nsp: '/auth', auth });
        assert.deepEqual(await socket.next('auth'), [auth ?? {}]);
      }
    });

    test(`${way}: one who was refused can try again on the same connection`, async () => {
      const main = await connect(server, options);
      const socket = begin(server, {}, { on: main.io, nsp: '/auth', auth: { token: 'bad' } });
      await socket.next('connect_error');
      socket.auth = { token: 'good' };
      socket.disconnect().connect();
      await socket.next('connect');
      assert.deepEqual(await socket.ask('message-with-ack', 1), [1]);
      assert.ok(main.connected);
    });

    test(`${way}: one who was refused hears nothing`, async () => {
      const main = await connect(server, options);
      const refused = begin(server, {}, { on: main.io, nsp: '/auth', auth: { token: 'bad' } });
      await refused.next('connect_error');
      const member = await connect(server, options, { nsp: '/auth' });
      const witness = await connect(server, {}, { on: main.io, nsp: '/dyn-1' });
      const packets = [];
      main.io.on('packet', (packet) => packets.push(packet.nsp));
      member.emit('broadcast', 'members only');
      await member.ask('message-with-ack', 1);
      await witness.ask('message-with-ack', 1);
      assert.ok(!packets.includes('/auth'), packets.join());
    });
  });
});
