import assert from 'node:assert/strict';

import { connect, eachWay } from '../support/client.js';
import { suite, test } from '../support/suite.js';

suite('broadcast', {}, (server) => {
  eachWay((way, options) => {
    test(`${way}: all others receive once, the sender does not`, async () => {
      const sockets = await Promise.all([1, 2, 3].map(() => connect(server, options)));
      const [sender, ...others] = sockets;
      const args = ['é', 1, { file: Buffer.from([1, 2, 3]) }];
      sender.emit('broadcast', ...args);
      for (const other of others) assert.deepEqual(await other.next('broadcast-msg'), args);
      await Promise.all(sockets.map((socket) => socket.ask('message-with-ack', 0)));
      for (const socket of sockets) assert.equal(socket.pending('broadcast-msg'), 0);
    });

    test(`${way}: broadcasts of one sender arrive in order`, async () => {
      const [sender, other] = await Promise.all([1, 2].map(() => connect(server, options)));
      for (let number = 0; number < 100; number += 1) {
        sender.emit('broadcast', number % 10 === 0 ? Buffer.from([number]) : number);
      }
      for (let number = 0; number < 100; number += 1) {
        const expected = number % 10 === 0 ? Buffer.from([number]) : number;
        assert.deepEqual(await other.next('broadcast-msg'), [expected]);
      }
    });
  });

  test('the three ways hear each other', async () => {
    const sockets = [];
    eachWay((_, options) => sockets.push(connect(server, options)));
    const all = await Promise.all(sockets);
    for (const sender of all) {
      sender.emit('broadcast', sender.id, Buffer.from([255]));
      for (const other of all.filter((socket) => socket !== sender)) {
        assert.deepEqual(await other.next('broadcast-msg'), [sender.id, Buffer.from([255])]);
      }
    }
  });
});
