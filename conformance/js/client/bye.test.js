import assert from 'node:assert/strict';

import { connect, eachWay } from '../support/client.js';
import { suite, test } from '../support/suite.js';

suite('bye', {}, (server) => {
  eachWay((way, options) => {
    test(`${way}: bye ends one namespace, the connection and the others stay`, async () => {
      const main = await connect(server, options);
      const custom = await connect(server, {}, { on: main.io, nsp: '/custom' });
      const { id } = custom;
      custom.emit('bye');
      assert.equal((await custom.next('disconnect'))[0], 'io server disconnect');
      assert.deepEqual(await main.ask('message-with-ack', 1), [1]);
      assert.deepEqual(await main.ask('reason-of', id), ['server namespace disconnect']);

      custom.connect();
      await custom.next('connect');
      assert.deepEqual(await custom.ask('message-with-ack', 2), [2]);
    });

    test(`${way}: bye-all ends every namespace and the connection`, async () => {
      const main = await connect(server, options);
      const custom = await connect(server, {}, { on: main.io, nsp: '/custom' });
      const closed = new Promise((resolve) => main.io.engine.once('close', resolve));
      const ids = [main.id, custom.id];
      main.emit('bye-all');
      for (const socket of [main, custom]) {
        assert.equal((await socket.next('disconnect'))[0], 'io server disconnect');
      }
      await closed;

      const witness = await connect(server, options);
      for (const id of ids) {
        assert.deepEqual(await witness.ask('reason-of', id), ['server namespace disconnect']);
      }
    });
  });
});
