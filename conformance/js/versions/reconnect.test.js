import assert from 'node:assert/strict';

import { upgraded } from '../support/client.js';
import { suite, test } from '../support/suite.js';
import { connectOld, eachVersion } from '../support/versions.js';

const AGAIN = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 50, randomizationFactor: 0 };

suite('reconnection of clients of other versions', {}, (server) => {
  eachVersion((name, version, options) => {
    test(`${name}: after a crash and a new start the client comes back`, async () => {
      const socket = await connectOld(version, server, { ...options, ...AGAIN });
      const custom = await connectOld(version, server, {}, { on: socket.io, nsp: '/custom', auth: { a: 'b' } });
      if (options.transports.length === 2) await upgraded(socket);
      await server.kill();
      assert.match((await socket.next('disconnect'))[0], /^transport (close|error)$/);
      await server.start(server.port);
      await socket.next('connect', 5000);
      await custom.next('connect', 5000);
      assert.deepEqual(await socket.ask('message-with-ack', 'back'), ['back']);
      assert.deepEqual((await custom.ask('whoami'))[0].auth, { a: 'b' });
    });
  });
});
