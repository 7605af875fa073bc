import assert from 'node:assert/strict';

import { until } from '../../js/support/wait.js';
import { heard, join, reaches } from '../support/cluster.js';
import { test } from '../support/suite.js';

/** A program that only sends: it reaches all nodes alike, that of `ann` too. */
export function emitter(cluster) {
  test('an emitter sends to everyone, to rooms and but for rooms', async () => {
    const clients = await cluster.clients({ on: [0, 1, 1] });
    const [ann, bob, cat] = clients;
    await join(bob, 'tea', [ann]);
    await join(cat, 'tea', [ann]);
    await join(cat, 'muted', [ann]);
    const emits = [
      [{}, 'news', 1, 'é'],
      [{ to: ['tea'] }, 'news', 2],
      [{ to: ['tea', 'muted'], except: ['muted'] }, 'news', Buffer.from([3])],
      [{ except: ['tea'] }, 'news', 4],
    ];
    for (const emit of emits) await ann.does('emitter-emit', ...emit);
    const [all, tea, bytes, rest] = emits.map(([, ...event]) => event);
    const expected = [[all, rest], [all, tea, bytes], [all, tea]];
    // The emitter has a connection of its own, so nothing tells when the last of it has come.
    await until(3000, 'what an emitter sends', () => {
      return clients.every((client, index) => client.heard.length >= expected[index].length) || null;
    });
    assert.deepEqual(await heard(ann, clients), expected);
    await reaches(ann, { volatile: true }, clients, 'emitter-emit');
  });

  test('an emitter moves and disconnects sockets, and sends events to the nodes', async () => {
    const clients = await cluster.clients();
    const [ann, bob] = clients;
    await ann.does('emitter-join', { except: [ann.id] }, ['tea', 'milk']);
    await reaches(ann, { to: ['tea'] }, [bob]);
    await ann.does('emitter-leave', { to: ['tea'] }, ['milk']);
    await until(3000, 'a room that was left', async () => {
      const { sockets } = await ann.does('fetch', { to: ['milk'] });
      return sockets.length === 0 || null;
    });
    await ann.does('emitter-server-emit', {}, 'note', 1, 'é');
    for (const client of clients) assert.deepEqual(await client.next('noted'), [1, 'é']);
    await ann.does('emitter-disconnect', { to: ['tea'] }, true);
    await bob.next('disconnect');
    assert.equal(ann.connected, true);
  });
}
