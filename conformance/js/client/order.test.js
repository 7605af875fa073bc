import assert from 'node:assert/strict';

import { connect, eachWay } from '../support/client.js';
import { suite, test } from '../support/suite.js';

const COUNT = 300;

const attachments = (number) => [Buffer.alloc(number, number), { more: Buffer.from('é') }];
const args = (number) => [number, ...(number % 7 === 3 ? attachments(number) : [])];

suite('order', {}, (server) => {
  eachWay((way, options) => {
    test(`${way}: ${COUNT} messages, some with attachments, come back in order`, async () => {
      const socket = await connect(server, options);
      for (let number = 0; number < COUNT; number += 1) socket.emit('message', ...args(number));
      for (let number = 0; number < COUNT; number += 1) {
        assert.deepEqual(await socket.next('message-back', 5000), args(number));
      }
    });

    test(`${way}: events and acknowledgements keep one order`, async () => {
      const socket = await connect(server, options);
      const seen = [];
      socket.on('message-back', (number) => seen.push(number));
      for (let number = 0; number < 60; number += 2) {
        socket.emit('message', number);
        socket.emit('message-with-ack', number + 1, (answer) => seen.push(answer));
      }
      await socket.ask('message-with-ack', 'end');
      assert.deepEqual(seen, Array.from({ length: 60 }, (_, number) => number));
    });
  });
});
