import assert from 'node:assert/strict';

import { connect, eachWay } from '../support/client.js';
import { suite, test } from '../support/suite.js';

const nsp = '/listeners';

suite('listeners', {}, (server) => {
  eachWay((way, options) => {
    test(`${way}: catch-alls see what comes and what goes, but no acknowledgements`, async () => {
      const socket = await connect(server, options, { nsp });
      socket.emit('unknown');
      socket.emit('next', 1);
      await socket.next('next');
      assert.deepEqual(await socket.ask('seen'), [['unknown', 'next', 'seen'], ['next']]);
    });

    test(`${way}: an event that a middleware refuses is answered`, async () => {
      const socket = await connect(server, options, { nsp });
      assert.deepEqual(await socket.ask('forbidden'), [{ error: 'not allowed' }]);
      assert.ok(socket.connected);
    });

    test(`${way}: events wait behind one whose middleware asks the client first`, async () => {
      const socket = await connect(server, options, { nsp });
      const order = [];
      socket.on('may-i', (answer) => {
        order.push('may-i');
        setTimeout(answer, 50);
      });
      for (const event of ['asks-first', 'next']) socket.on(event, (...args) => order.push([event, ...args]));
      socket.emit('asks-first', 'left out', Buffer.from([1]));
      socket.emit('next', 2);
      await socket.next('next');
      assert.deepEqual(order, ['may-i', ['asks-first', Buffer.from([1])], ['next', 2]]);
    });

    test(`${way}: a socket has handlers of its own, one of them for once`, async () => {
      const socket = await connect(server, options, { nsp });
      assert.deepEqual(await socket.ask('own', 1, 'x'), [1, 'x']);
      assert.deepEqual(await socket.ask('once'), ['the first time']);
      let isAnswered = false;
      socket.emit('once', () => (isAnswered = true));
      await socket.ask('own');
      assert.equal(isAnswered, false);
    });

    test(`${way}: to a client whose connection is closed it looks like a broken one`, async () => {
      const socket = await connect(server, options, { nsp });
      socket.emit('close');
      const [reason] = await socket.next('disconnect');
      assert.equal(reason, 'transport close');
    });
  });
});
