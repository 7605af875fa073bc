import assert from 'node:assert/strict';

import { begin, connect, eachWay } from '../support/client.js';
import { suite, test } from '../support/suite.js';

suite('namespaces', {}, (server) => {
  eachWay((way, options) => {
    for (const nsp of ['/custom', '/dyn-7', '/dyn-0123456789']) {
      test(`${way}: ${nsp} carries text and binary`, async () => {
        const socket = await connect(server, options, { nsp, auth: { from: nsp } });
        assert.deepEqual(await socket.next('auth'), [{ from: nsp }]);
        socket.emit('message', 'text', 1);
        assert.deepEqual(await socket.next('message-back'), ['text', 1]);
        socket.emit('message', { file: Buffer.from([1, 2]) });
        assert.deepEqual(await socket.next('message-back'), [{ file: Buffer.from([1, 2]) }]);
        const [me] = await socket.ask('whoami');
        assert.equal(me.nsp, nsp);
        assert.equal(me.id, socket.id);
      });
    }

    for (const nsp of ['/unknown', '/dyn-', '/dyn-7x', '/x/dyn-7', '/Custom', '/custom/']) {
      test(`${way}: ${nsp} is refused, and the connection stays`, async () => {
        const main = await connect(server, options);
        const refused = begin(server, {}, { on: main.io, nsp });
        const [error] = await refused.next('connect_error');
        assert.equal(error.message, 'Invalid namespace');
        assert.equal(error.data, undefined);
        assert.equal(refused.connected, false);
        assert.deepEqual(await main.ask('message-with-ack', 'still here'), ['still here']);
      });
    }

    test(`${way}: events stay within their namespace`, async () => {
      const main = await connect(server, options);
      const custom = await connect(server, {}, { on: main.io, nsp: '/custom' });
      const other = await connect(server, options, { nsp: '/custom' });
      other.emit('broadcast', 'for custom');
      assert.deepEqual(await custom.next('broadcast-msg'), ['for custom']);
      assert.deepEqual(await main.ask('message-with-ack', 1), [1]);
      assert.equal(main.pending('broadcast-msg'), 0);
    });

    test(`${way}: two dynamic namespaces are apart, and one made again works`, async () => {
      const seven = await connect(server, options, { nsp: '/dyn-7' });
      const eight = await connect(server, {}, { on: seven.io, nsp: '/dyn-8' });
      const again = await connect(server, options, { nsp: '/dyn-7' });
      again.emit('broadcast', 'for seven');
      assert.deepEqual(await seven.next('broadcast-msg'), ['for seven']);
      assert.deepEqual(await eight.ask('message-with-ack', 1), [1]);
      assert.equal(eight.pending('broadcast-msg'), 0);
    });
  });
});
