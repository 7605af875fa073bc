import assert from 'node:assert/strict';

import { connect, eachWay } from '../support/client.js';
import { suite, test } from '../support/suite.js';
import { until } from '../support/wait.js';

suite('connect', {}, (server) => {
  eachWay((way, options) => {
    test(`${way}: the socket id is not the session id, and no two are equal`, async () => {
      const one = await connect(server, options);
      const two = await connect(server, options);
      const ids = [one.id, two.id, one.io.engine.id, two.io.engine.id];
      for (const id of ids) assert.match(id, /^[A-Za-z0-9_-]{20}$/);
      assert.equal(new Set(ids).size, 4);
    });

    test(`${way}: each namespace of a connection has an id of its own`, async () => {
      const main = await connect(server, options);
      const custom = await connect(server, {}, { on: main.io, nsp: '/custom' });
      assert.equal(custom.io.engine, main.io.engine);
      assert.notEqual(custom.id, main.id);
      assert.notEqual(custom.id, main.io.engine.id);
    });

    test(`${way}: the auth payload arrives`, async () => {
      const auth = { token: 'abc', nested: { list: [1, null, 'é'] } };
      const socket = await connect(server, options, { auth });
      assert.deepEqual(await socket.next('auth'), [auth]);
    });

    test(`${way}: without auth the payload is empty`, async () => {
      const socket = await connect(server, options);
      assert.deepEqual(await socket.next('auth'), [{}]);
    });

    test(`${way}: a client that left a namespace can come back with a new id`, async () => {
      const socket = await connect(server, options);
      const keep = await connect(server, {}, { on: socket.io, nsp: '/custom' });
      const { id } = socket;
      socket.disconnect();
      await until(2000, 'disconnect', async () => (await keep.ask('reason-of', id))[0]);
      socket.connect();
      await socket.next('connect');
      assert.notEqual(socket.id, id);
      assert.ok(keep.connected);
    });
  });
});
