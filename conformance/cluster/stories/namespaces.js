import assert from 'node:assert/strict';

import { heard, join } from '../support/cluster.js';
import { test } from '../support/suite.js';

const NAMES = ['/', '/custom', '/story-é🎈', '/story-#', '/story-a#b#', '/story-*', '/story-a b', '/story-"', '/story-/x/'];

/** Namespaces of both nodes, those that are made on demand among them. */
export function namespaces(cluster) {
  for (const nsp of NAMES) {
    test(`${nsp} is one namespace on both nodes`, async () => {
      const clients = await cluster.clients({ nsp });
      const [ann, bob] = clients;
      await join(bob, 'tea', [ann]);
      bob.on('question', (answer) => answer('yes'));
      await ann.does('emit', {}, 'news', 1);
      await ann.does('emit', { to: ['tea'] }, 'news', Buffer.from([2]));
      assert.deepEqual(await heard(ann, clients), [[['news', 1]], [['news', 1], ['news', Buffer.from([2])]]]);
      const answer = await ann.does('ask', { timeout: 2000, to: [bob.id] }, 'question');
      assert.deepEqual(answer, { complete: true, answers: ['yes'] });
      const { sockets } = await ann.does('fetch', { to: ['tea'] });
      assert.deepEqual(sockets.map((socket) => socket.id), [bob.id]);
    });
  }

  // With the sharded adapter the channel of room `x` in one of these namespaces is that of the other, which the official
  // server stops hearing once nobody is in the room.
  const room = cluster.kinds.includes('node') ? 'y' : 'x';

  test('namespaces are apart, also where a name is the beginning of another', async () => {
    const short = await cluster.clients({ nsp: '/story-apart' });
    const long = await cluster.clients({ nsp: '/story-apart#x' });
    for (const [ann, bob] of [short, long]) await join(bob, room, [ann]);
    await short[0].does('emit', { to: [room] }, 'news', 'short');
    await long[0].does('emit', {}, 'news', 'long');
    assert.deepEqual(await heard(short[0], short), [[], [['news', 'short']]]);
    assert.deepEqual(await heard(long[0], long), [[['news', 'long']], [['news', 'long']]]);
    await short[1].does('leave', room);
    await long[0].does('emit', {}, 'news', 'still');
    assert.deepEqual(await heard(long[0], long), [[['news', 'still']], [['news', 'still']]]);
  });
}
