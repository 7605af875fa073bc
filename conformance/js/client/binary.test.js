import assert from 'node:assert/strict';

import { connect, eachWay } from '../support/client.js';
import { suite, test } from '../support/suite.js';

const bytes = (...values) => Buffer.from(values);
const all = Buffer.from(Array.from({ length: 256 }, (_, value) => value));

const CASES = {
  'one attachment': [bytes(1, 2, 3)],
  'an empty attachment': [Buffer.alloc(0)],
  'all byte values': [all],
  'attachments among other arguments': ['a', bytes(1), 2, bytes(3, 4), null],
  'nested attachments': [{ name: 'é', deep: [{ file: bytes(1) }, [[bytes(2)], 'x']], last: bytes(3) }],
  'ten attachments': [Array.from({ length: 10 }, (_, i) => Buffer.alloc(i, i))],
  'the same bytes twice': [all, { again: all }],
};

suite('binary', {}, (server) => {
  eachWay((way, options) => {
    for (const [what, args] of Object.entries(CASES)) {
      test(`${way}: ${what}`, async () => {
        const socket = await connect(server, options);
        socket.emit('message', ...args);
        assert.deepEqual(await socket.next('message-back'), args);
      });
    }

    test(`${way}: a client that sends base64 in place of bytes`, async () => {
      const socket = await connect(server, { ...options, forceBase64: true });
      socket.emit('message', 'a', all);
      assert.deepEqual(await socket.next('message-back'), ['a', all]);
    });

    test(`${way}: attachments in acknowledgements, both ways`, async () => {
      const socket = await connect(server, options);
      const args = [{ a: bytes(1, 2) }, all];
      assert.deepEqual(await socket.ask('message-with-ack', ...args), args);

      socket.on('message', (...received) => received.pop()(bytes(9), 'x', ...received));
      socket.emit('emit-with-ack', ...args);
      assert.deepEqual(await socket.next('emit-with-ack'), [bytes(9), 'x', ...args]);
    });
  });
});
