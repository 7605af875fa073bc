import assert from 'node:assert/strict';

import { connect, eachWay, upgraded, ways } from '../support/client.js';
import { suite, test } from '../support/suite.js';
import { until } from '../support/wait.js';

suite('disconnect reasons', {}, (server) => {
  /** What a bystander learns about the end of the socket with that id. */
  async function reasonOf(id) {
    const bystander = await connect(server, ways.websocket);
    return until(2000, `reason of ${id}`, async () => (await bystander.ask('reason-of', id))[0]);
  }

  eachWay((way, options) => {
    test(`${way}: client namespace disconnect`, async () => {
      const socket = await connect(server, options);
      const { id } = socket;
      socket.disconnect();
      assert.equal(await reasonOf(id), 'client namespace disconnect');
    });

    test(`${way}: client namespace disconnect while another namespace stays`, async () => {
      const main = await connect(server, options);
      const custom = await connect(server, {}, { on: main.io, nsp: '/custom' });
      const { id } = custom;
      custom.disconnect();
      const reason = await until(2000, 'reason', async () => (await main.ask('reason-of', id))[0]);
      assert.equal(reason, 'client namespace disconnect');
    });

    test(`${way}: server namespace disconnect`, async () => {
      const socket = await connect(server, options);
      const { id } = socket;
      socket.emit('bye');
      await socket.next('disconnect');
      assert.equal(await reasonOf(id), 'server namespace disconnect');
    });

    test(`${way}: transport close, for every namespace of the connection`, async () => {
      const main = await connect(server, options);
      const custom = await connect(server, {}, { on: main.io, nsp: '/custom' });
      const ids = [main.id, custom.id];
      if (way === 'upgrade') await upgraded(main);
      main.io.engine.close();
      for (const id of ids) assert.equal(await reasonOf(id), 'transport close');
    });

    test(`${way}: the reason of a socket that lives, or never was, is null`, async () => {
      const socket = await connect(server, options);
      assert.deepEqual(await socket.ask('reason-of', socket.id), [null]);
      assert.deepEqual(await socket.ask('reason-of', 'AAAAAAAAAAAAAAAAAAAA'), [null]);
    });
  });
});
