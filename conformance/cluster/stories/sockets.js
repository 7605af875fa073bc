import assert from 'node:assert/strict';

import { connect } from '../../js/support/client.js';
import { until } from '../../js/support/wait.js';
import { heard, join } from '../support/cluster.js';
import { test } from '../support/suite.js';

const ids = (clients) => clients.map((client) => client.id).sort();

/** The sockets that a node finds, in the order of their ids. */
async function found(client, selection = {}) {
  const { complete, sockets } = await client.does('fetch', selection);
  assert.equal(complete, true);
  return sockets.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Resolves once a node finds these clients. */
function finds(client, selection, clients) {
  const expected = JSON.stringify(ids(clients));
  return until(3000, 'sockets that are found', async () => {
    const { sockets } = await client.does('fetch', selection);
    return JSON.stringify(ids(sockets)) === expected || null;
  });
}

/** The sockets of all nodes: what is known of them, and what is done to them. */
export function sockets(cluster) {
  test('the sockets of both nodes are found, by selection', async () => {
    const clients = await cluster.clients({ on: [0, 1, 1] });
    const [ann, bob, cat] = clients;
    await join(bob, 'tea', [ann]);
    assert.deepEqual(ids(await found(ann)), ids(clients));
    assert.deepEqual(ids(await found(ann, { to: ['tea'] })), [bob.id]);
    assert.deepEqual(ids(await found(ann, { except: ['tea'] })), ids([ann, cat]));
    assert.deepEqual(ids(await found(ann, { to: [ann.id, cat.id] })), ids([ann, cat]));
    assert.deepEqual(ids(await found(ann, { local: true })), [ann.id]);
    assert.deepEqual(await found(ann, { to: ['nobody'] }), []);
  });

  test('a socket is the same whichever node tells of it', async () => {
    const before = Date.now();
    const auth = { token: 'é', list: [1, { a: null }] };
    const options = { extraHeaders: { 'X-Story': 'a, b' }, query: { lang: 'é 1', empty: '' } };
    const clients = await cluster.clients({ auth, options });
    for (const [index, client] of clients.entries()) {
      const data = { name: `é${index}`, number: 1.5, none: null, list: [1, [2, { three: true }]] };
      await client.does('data', data);
      await client.does('join', ['tea', '7']);
      const [[one], [other]] = await Promise.all(clients.map((asker) => found(asker, { to: [client.id] })));
      for (const description of [one, other]) description.rooms.sort();
      assert.deepEqual(one, other);

      const { id, rooms, handshake } = one;
      assert.equal(id, client.id);
      assert.deepEqual(rooms, [client.id, 'tea', '7'].sort());
      assert.deepEqual(one.data, data);
      assert.deepEqual(handshake.auth, auth);
      assert.equal(handshake.headers['x-story'], 'a, b');
      assert.equal(handshake.headers.host, `127.0.0.1:${cluster.nodes[index].port}`);
      assert.deepEqual(
        { ...handshake.query, t: undefined },
        { EIO: '4', transport: 'websocket', lang: 'é 1', empty: '', t: undefined },
      );
      assert.match(handshake.url, /^\/socket\.io\/\?.*EIO=4/);
      assert.equal(handshake.address, '127.0.0.1');
      assert.equal(handshake.xdomain, false);
      assert.equal(handshake.secure, false);
      assert.ok(handshake.issued >= before && handshake.issued <= Date.now());
      assert.ok(Math.abs(Date.parse(handshake.time) - handshake.issued) < 1000, handshake.time);
    }
  });

  test('selected sockets join and leave rooms on both nodes', async () => {
    const clients = await cluster.clients({ on: [0, 1, 1] });
    const [ann, bob, cat] = clients;
    await ann.does('sockets-join', { except: [cat.id] }, ['tea', 'milk']);
    for (const asker of [ann, bob]) await finds(asker, { to: ['tea'] }, [ann, bob]);
    await ann.does('sockets-leave', { to: [bob.id] }, ['tea']);
    for (const asker of [ann, bob]) await finds(asker, { to: ['tea'] }, [ann]);
    await finds(bob, { to: ['milk'] }, [ann, bob]);
    await ann.does('sockets-join', { local: true }, ['here']);
    await finds(bob, { to: ['here'] }, [ann]);
  });

  test('selected sockets are disconnected on both nodes, with or without their connection', async () => {
    const clients = await cluster.clients({ on: [0, 1, 1, 1] });
    const [ann, bob, cat, dan] = clients;
    const beside = (client) => connect(cluster.nodes[1], {}, { on: client.io, nsp: '/custom' });
    const [besideBob, besideCat] = await Promise.all([beside(bob), beside(cat)]);
    await ann.does('sockets-disconnect', { to: [bob.id] }, false);
    assert.equal((await bob.next('disconnect'))[0], 'io server disconnect');
    await ann.does('sockets-disconnect', { to: [cat.id] }, true);
    await Promise.all([cat, besideCat].map((socket) => socket.next('disconnect')));
    assert.deepEqual([ann, dan, besideBob].map((socket) => socket.connected), [true, true, true]);
    await finds(ann, {}, [ann, dan]);
  });

  test('one socket of the other node is sent to, asked, moved and disconnected', async () => {
    const clients = await cluster.clients({ on: [0, 1, 1] });
    const [ann, bob] = clients;
    const her = { to: [bob.id] };
    await ann.does('remote-emit', her, 'news', Buffer.from([1]), 'é');
    assert.deepEqual(await bob.next('news'), [Buffer.from([1]), 'é']);
    bob.on('question', (text, answer) => answer({ text }));
    assert.deepEqual(await ann.does('remote-ask', her, 'question', 'tea?'), [{ text: 'tea?' }]);
    await ann.does('remote-join', her, ['tea', 'milk']);
    await finds(ann, { to: ['tea'] }, [bob]);
    await ann.does('remote-leave', her, 'tea');
    await finds(ann, { to: ['tea'] }, []);
    await finds(ann, { to: ['milk'] }, [bob]);
    assert.deepEqual((await heard(ann, clients)).map((events) => events.length), [0, 2, 0]);
    await ann.does('remote-disconnect', her, true);
    await bob.next('disconnect');
    await finds(ann, {}, [clients[0], clients[2]]);
  });
}
