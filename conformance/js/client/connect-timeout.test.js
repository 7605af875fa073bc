import assert from 'node:assert/strict';

import { connect, eachWay, manager } from '../support/client.js';
import { suite, test } from '../support/suite.js';
import { sleep, within } from '../support/wait.js';

const TIMEOUT_MS = 1000;

suite('connect timeout', { mode: 'sio5' }, (server) => {
  eachWay((way, options) => {
    const lifetime = async (client) => {
      const from = Date.now();
      await within(4000, 'close', new Promise((resolve) => client.once('close', resolve)));
      return Date.now() - from;
    };

    test(`${way}: a connection without a namespace is closed`, async () => {
      const took = await lifetime(manager(server, options).connect());
      assert.ok(took > TIMEOUT_MS - 200 && took < TIMEOUT_MS + 1500, `${took} ms`);
    });

    test(`${way}: one that joined stays`, async () => {
      const socket = await connect(server, options);
      await sleep(TIMEOUT_MS + 300);
      assert.equal(socket.pending('disconnect'), 0);
      assert.deepEqual(await socket.ask('message-with-ack', 1), [1]);
    });
  });
});
