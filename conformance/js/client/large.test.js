import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { connect, eachWay, upgraded } from '../support/client.js';
import { suite, test } from '../support/suite.js';

suite('large messages', {}, (server) => {
  eachWay((way, options) => {
    test(`${way}: 900 kB of text`, async () => {
      const socket = await connect(server, options);
      const text = 'abcdefghi '.repeat(90_000);
      socket.emit('message', text);
      const [back] = await socket.next('message-back', 5000);
      assert.ok(back === text);
    });

    const kilobytes = way === 'websocket' ? 900 : 700;
    test(`${way}: ${kilobytes} kB of binary`, async () => {
      const socket = await connect(server, options);
      const bytes = randomBytes(kilobytes * 1000);
      const [back] = await socket.ask('message-with-ack', bytes);
      assert.ok(bytes.equals(back));
    });
  });

  test('upgrade: 900 kB of binary once upgraded', async () => {
    const socket = await connect(server);
    await upgraded(socket);
    const bytes = randomBytes(900_000);
    const [back] = await socket.ask('message-with-ack', bytes);
    assert.ok(bytes.equals(back));
  });
});
