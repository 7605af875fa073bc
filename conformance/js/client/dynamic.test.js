import assert from 'node:assert/strict';

import { begin, connect, eachWay } from '../support/client.js';
import { suite, test } from '../support/suite.js';

suite('dynamic namespaces', {}, (server) => {
  eachWay((way, options) => {
    test(`${way}: a pattern gives handlers what stands in its place`, async () => {
      const socket = await connect(server, options, { nsp: '/tenant-42' });
      assert.deepEqual(await socket.ask('id'), [42]);
      const other = await connect(server, {}, { on: socket.io, nsp: '/tenant-7' });
      assert.deepEqual(await other.ask('id'), [7]);
    });

    test(`${way}: one event reaches all namespaces of a pattern`, async () => {
      const sender = await connect(server, options, { nsp: '/listeners' });
      const first = await connect(server, {}, { on: sender.io, nsp: '/tenant-1' });
      const second = await connect(server, options, { nsp: '/tenant-2' });
      const text = `news ${sender.id}`;
      sender.emit('tell-tenants', text, Buffer.from([1]));
      for (const socket of [first, second]) {
        let news;
        do news = await socket.next('news');
        while (news[0] !== text);
        assert.deepEqual(news[1], Buffer.from([1]));
      }
    });

    test(`${way}: one that takes time to look up holds up nobody else`, async () => {
      const main = await connect(server, options);
      const name = `/looked-up-${way}-${Date.now()}`;
      const refused = begin(server, {}, { on: main.io, nsp: name, auth: { token: 'bad' } });
      assert.deepEqual(await main.ask('message-with-ack', 1), [1]);
      assert.equal(refused.pending('connect_error'), 0, 'it is yet to be answered');
      main.emit('answer-lookups');
      const [error] = await refused.next('connect_error');
      assert.equal(error.message, 'Invalid namespace');
      refused.auth = { token: 'good' };
      refused.disconnect().connect();
      main.emit('answer-lookups');
      await refused.next('connect');
      assert.deepEqual(await refused.ask('echo', 'x'), ['x']);
    });
  });
});
