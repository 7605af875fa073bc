import assert from 'node:assert/strict';

import { connect, eachWay } from '../support/client.js';
import { suite, test } from '../support/suite.js';

const ARGS = ['é', 1, { a: [null, true] }, [], 'last'];

suite('acknowledgements', {}, (server) => {
  eachWay((way, options) => {
    for (const nsp of ['/', '/custom']) {
      test(`${way}: the server acknowledges in ${nsp}`, async () => {
        const socket = await connect(server, options, { nsp });
        assert.deepEqual(await socket.ask('message-with-ack'), []);
        assert.deepEqual(await socket.ask('message-with-ack', ...ARGS), ARGS);
      });

      test(`${way}: the client acknowledges in ${nsp}`, async () => {
        const socket = await connect(server, options, { nsp });
        socket.on('message', (...args) => args.pop()('got', args));
        socket.emit('emit-with-ack', ...ARGS);
        assert.deepEqual(await socket.next('emit-with-ack'), ['got', ARGS]);
        socket.emit('emit-with-ack');
        assert.deepEqual(await socket.next('emit-with-ack'), ['got', []]);
      });
    }

    test(`${way}: many at once each get their own answer`, async () => {
      const socket = await connect(server, options);
      const numbers = Array.from({ length: 50 }, (_, number) => number);
      const answers = await Promise.all(numbers.map((number) => socket.ask('message-with-ack', number)));
      assert.deepEqual(answers, numbers.map((number) => [number]));
    });

    test(`${way}: a client that acknowledges in reverse order reaches the right question`, async () => {
      const socket = await connect(server, options);
      const waiting = [];
      socket.on('message', (number, ack) => {
        waiting.push(() => ack(number));
        if (waiting.length === 3) waiting.reverse().forEach((answer) => answer());
      });
      for (const number of [1, 2, 3]) socket.emit('emit-with-ack', number);
      for (const number of [3, 2, 1]) assert.deepEqual(await socket.next('emit-with-ack'), [number]);
    });
  });
});
