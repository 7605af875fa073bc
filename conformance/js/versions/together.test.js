import assert from 'node:assert/strict';

import { connect, ways } from '../support/client.js';
import { suite, test } from '../support/suite.js';
import { connectOld, oldWays, versions } from '../support/versions.js';
import { sleep } from '../support/wait.js';

const ARGS = ['é', { file: Buffer.from([0, 1, 255]) }, null];

suite('clients of all versions together', {}, (server) => {
  /** A client of each version and way, the current one too. */
  function everyone() {
    const old = Object.values(versions).flatMap((version) =>
      Object.values(oldWays).map((options) => connectOld(version, server, options)),
    );
    const current = Object.values(ways).map((options) => connect(server, options));
    return Promise.all([...old, ...current]);
  }

  test('each hears what the others say', async () => {
    const all = await everyone();
    for (const speaker of all) {
      speaker.emit('broadcast', ...ARGS);
      for (const listener of all.filter((socket) => socket !== speaker)) {
        assert.deepEqual(await listener.next('broadcast-msg'), ARGS);
      }
    }
  });

  test('all outlast several heartbeats', async () => {
    const all = await everyone();
    await sleep(5000);
    for (const socket of all) {
      assert.deepEqual(await socket.ask('message-with-ack', 'still here'), ['still here']);
      assert.equal(socket.pending('disconnect'), 0);
    }
  });

  test('all acknowledge a broadcast', async () => {
    const [first, ...others] = await everyone();
    others.forEach((socket, index) => socket.on('question', (...args) => args.pop()(index)));
    first.emit('broadcast-with-ack', 'who?');
    const [answers] = await first.next('broadcast-acks');
    assert.deepEqual(answers.sort((a, b) => a - b), others.map((_, index) => index));
  });
});
