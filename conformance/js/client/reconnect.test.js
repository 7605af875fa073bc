import assert from 'node:assert/strict';

import { connect, eachWay, upgraded } from '../support/client.js';
import { suite, test } from '../support/suite.js';

const AGAIN = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 50, randomizationFactor: 0 };

suite('reconnection', {}, (server) => {
  eachWay((way, options) => {
    for (const end of ['kill', 'stop']) {
      test(`${way}: after ${end} and a new start on the same port the client comes back`, async () => {
        const socket = await connect(server, { ...options, ...AGAIN });
        const custom = await connect(server, {}, { on: socket.io, nsp: '/custom' });
        // A client that loses its server in the middle of the upgrade notices it at its ping timeout only.
        if (way === 'upgrade') await upgraded(socket);
        const { id } = socket;
        await server[end]();
        assert.match((await socket.next('disconnect'))[0], /^transport (close|error)$/);
        await server.start(server.port);
        await socket.next('connect', 5000);
        await custom.next('connect', 5000);
        assert.notEqual(socket.id, id);
        assert.deepEqual(await socket.ask('message-with-ack', 'back'), ['back']);
      });
    }
  });
});
