import assert from 'node:assert/strict';

import { connect, eachWay, upgraded, ways } from '../support/client.js';
import { suite, test } from '../support/suite.js';

suite('whoami', {}, (server) => {
  eachWay((way, options) => {
    test(`${way}: query, auth and rooms`, async () => {
      const query = { plain: 'x', '&=é key': '&=?/ é+%', empty: '' };
      const socket = await connect(server, { ...options, query }, { auth: { token: 'abc' } });
      await socket.ask('join', 'zebra');
      await socket.ask('join', 'ant');
      const [me] = await socket.ask('whoami');
      assert.equal(me.id, socket.id);
      assert.equal(me.nsp, '/');
      assert.equal(me.eio, 4);
      assert.deepEqual(me.auth, { token: 'abc' });
      assert.deepEqual(me.rooms, ['zebra', 'ant', socket.id].sort());
      for (const [key, value] of Object.entries(query)) assert.equal(me.query[key], value);
      assert.equal(me.query.EIO, '4');
      assert.equal(me.query.transport, options.transports[0]);
      assert.equal(me.query.token, undefined);
    });
  });

  test('the transport is polling for one who polls', async () => {
    const socket = await connect(server, ways.polling);
    assert.equal((await socket.ask('whoami'))[0].transport, 'polling');
  });

  test('the transport is polling while no upgrade is wanted, with both at hand', async () => {
    const socket = await connect(server, { ...ways.upgrade, upgrade: false });
    assert.equal((await socket.ask('whoami'))[0].transport, 'polling');
  });

  test('the transport is websocket for one who began with it', async () => {
    const socket = await connect(server, ways.websocket);
    assert.equal((await socket.ask('whoami'))[0].transport, 'websocket');
  });

  test('after the upgrade the transport is websocket, and the query is that of the first request', async () => {
    const socket = await connect(server, ways.upgrade);
    await upgraded(socket);
    const [me] = await socket.ask('whoami');
    assert.equal(me.transport, 'websocket');
    assert.equal(me.query.transport, 'polling');
  });
});
