import assert from 'node:assert/strict';

import { connect, upgraded, ways } from '../support/client.js';
import { suite, test } from '../support/suite.js';
import { sleep } from '../support/wait.js';

/** Connected, and at rest: an upgrade is over, and a polling client has its GET at the server. */
async function atRest(server, way) {
  const socket = await connect(server, ways[way]);
  if (way === 'upgrade') await upgraded(socket);
  await socket.ask('message-with-ack', 0);
  await sleep(100);
  return socket;
}

suite('volatile', {}, (server) => {
  for (const way of ['websocket', 'upgrade']) {
    test(`${way}: an idle client receives its own volatile event`, async () => {
      const socket = await atRest(server, way);
      socket.emit('volatile', 'é', { file: Buffer.from([1]) });
      assert.deepEqual(await socket.next('volatile-msg'), ['é', { file: Buffer.from([1]) }]);
    });
  }

  for (const way of Object.keys(ways)) {
    test(`${way}: an idle client receives a volatile broadcast, the sender does not`, async () => {
      const sender = await atRest(server, 'websocket');
      const other = await atRest(server, way);
      sender.emit('broadcast-volatile', 'é', 2);
      assert.deepEqual(await other.next('volatile-msg'), ['é', 2]);
      await sender.ask('message-with-ack', 0);
      assert.equal(sender.pending('volatile-msg'), 0);
    });
  }
});
