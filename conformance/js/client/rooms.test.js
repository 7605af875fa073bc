import assert from 'node:assert/strict';

import { connect, eachWay } from '../support/client.js';
import { suite, test } from '../support/suite.js';

/** Everything that the server sent to `socket` before this has arrived afterwards. */
const settle = (socket) => socket.ask('message-with-ack', 'settle');

suite('rooms', {}, (server) => {
  eachWay((way, options) => {
    test(`${way}: each member receives once, the sender too, others nothing`, async () => {
      const [ann, bob, eve] = await Promise.all([1, 2, 3].map(() => connect(server, options)));
      assert.deepEqual(await ann.ask('join', 'tea'), ['ok']);
      assert.deepEqual(await bob.ask('join', 'tea'), ['ok']);
      assert.deepEqual(await bob.ask('join', 'tea'), ['ok']);

      ann.emit('room-emit', 'tea', 'é', { bytes: Buffer.from([7]) });
      for (const member of [ann, bob]) {
        assert.deepEqual(await member.next('room-msg'), ['é', { bytes: Buffer.from([7]) }]);
      }
      await Promise.all([ann, bob, eve].map(settle));
      for (const socket of [ann, bob, eve]) assert.equal(socket.pending('room-msg'), 0);
    });

    test(`${way}: a sender who is no member receives nothing`, async () => {
      const member = await connect(server, options);
      const sender = await connect(server, options);
      await member.ask('join', 'out');
      sender.emit('room-emit', 'out', 1);
      assert.deepEqual(await member.next('room-msg'), [1]);
      await settle(sender);
      assert.equal(sender.pending('room-msg'), 0);
    });

    test(`${way}: one who left receives nothing`, async () => {
      const [stays, left] = await Promise.all([1, 2].map(() => connect(server, options)));
      await Promise.all([stays, left].map((socket) => socket.ask('join', 'leaving')));
      assert.deepEqual(await left.ask('leave', 'leaving'), ['ok']);
      stays.emit('room-emit', 'leaving', 'gone?');
      await stays.next('room-msg');
      await settle(left);
      assert.equal(left.pending('room-msg'), 0);
    });

    test(`${way}: join and leave work without an acknowledgement, and leaving twice is harmless`, async () => {
      const socket = await connect(server, options);
      socket.emit('join', 'quiet');
      socket.emit('room-emit', 'quiet', 1);
      assert.deepEqual(await socket.next('room-msg'), [1]);
      socket.emit('leave', 'quiet');
      socket.emit('leave', 'quiet');
      socket.emit('room-emit', 'quiet', 2);
      await settle(socket);
      assert.equal(socket.pending('room-msg'), 0);
    });

    test(`${way}: a room belongs to its namespace`, async () => {
      const main = await connect(server, options);
      const custom = await connect(server, {}, { on: main.io, nsp: '/custom' });
      await main.ask('join', 'same');
      await custom.ask('join', 'same');
      custom.emit('room-emit', 'same', 'custom');
      assert.deepEqual(await custom.next('room-msg'), ['custom']);
      await settle(main);
      assert.equal(main.pending('room-msg'), 0);
    });

    test(`${way}: the id of a socket is a room with that socket alone`, async () => {
      const one = await connect(server, options);
      const two = await connect(server, options);
      two.emit('room-emit', one.id, 'direct');
      assert.deepEqual(await one.next('room-msg'), ['direct']);
      await settle(two);
      assert.equal(two.pending('room-msg'), 0);
    });

    test(`${way}: rooms end with the socket`, async () => {
      const socket = await connect(server, options);
      await socket.ask('join', 'ends');
      socket.disconnect();
      socket.connect();
      await socket.next('connect');
      const [me] = await socket.ask('whoami');
      assert.deepEqual(me.rooms, [socket.id]);
    });
  });
});
