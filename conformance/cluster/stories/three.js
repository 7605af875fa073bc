import assert from 'node:assert/strict';

import { heard, join } from '../support/cluster.js';
import { test } from '../support/suite.js';

/** What is gathered from several nodes, of each of which all others know. */
export function three(cluster) {
  test('acknowledgements come from all nodes, or from those whose clients answer', async () => {
    const clients = await cluster.clients();
    clients.forEach((client, number) => client.on('vote', (_, answer) => answer(number)));
    for (const [index, asker] of clients.entries()) {
      const all = await asker.does('ask', { timeout: 2000 }, 'vote', index);
      assert.equal(all.complete, true);
      assert.deepEqual(all.answers.sort(), [0, 1, 2]);
    }
    const [ann, bob, cat] = clients;
    bob.off('vote');
    for (const asker of clients) {
      const some = await asker.does('ask', { timeout: 300 }, 'vote', 1);
      assert.equal(some.complete, false);
      assert.deepEqual(some.answers.sort(), [0, 2]);
    }
    const silent = await ann.does('ask', { timeout: 300, to: [bob.id, cat.id] }, 'vote', 1);
    assert.deepEqual(silent, { complete: false, answers: [2] });
  });

  test('sockets come from all nodes, and both others answer', async () => {
    const clients = await cluster.clients();
    for (const [index, asker] of clients.entries()) {
      const { complete, sockets } = await asker.does('fetch', {});
      assert.equal(complete, true);
      assert.deepEqual(sockets.map((socket) => socket.id).sort(), clients.map((client) => client.id).sort());
      const { answers } = await asker.does('server-ask', 'question', 'é');
      const others = cluster.nodes.filter((node) => node !== cluster.nodes[index]);
      assert.deepEqual(answers.map(([port]) => port).sort(), others.map((node) => node.port).sort());
    }
  });

  test('a room has members on all nodes, and each gets an event once', async () => {
    const clients = await cluster.clients({ on: [0, 0, 1, 1, 2, 2] });
    const members = clients.filter((_, index) => index % 2 === 0);
    for (const member of members) await join(member, 'tea', clients);
    for (const [index, from] of clients.entries()) {
      await from.does('emit', { to: ['tea'] }, 'news', index);
      // Over a Redis Cluster nothing else tells that it has come.
      for (const member of members) assert.deepEqual(await member.next('news'), [index]);
    }
    const counts = (await heard(clients[0], clients)).map((events) => events.length);
    assert.deepEqual(counts, [6, 0, 6, 0, 6, 0]);
  });
}
