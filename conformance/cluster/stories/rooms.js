import assert from 'node:assert/strict';

import { heard, join, reaches } from '../support/cluster.js';
import { test } from '../support/suite.js';

const NEWS = ['news', 1];

/** Names that some encoding, pattern or channel could mistake. */
const NAMES = [
  'with spaces',
  'ünïcödé 🎈',
  '#',
  'a#b#',
  '*',
  'h[ae]llo?',
  '{slot}',
  '"\\\n',
  '7',
  'of20-_charactersABCD',
  '/',
  'long '.repeat(100),
];

/** Events for those in rooms. */
export function rooms(cluster) {
  test('an event for a room reaches its members on both nodes, and nobody else', async () => {
    const clients = await cluster.clients({ on: [0, 0, 1, 1] });
    const [ann, bob, cat] = clients;
    await join(bob, 'tea', [cat]);
    await join(cat, 'tea', [ann]);
    await ann.does('emit', { to: ['tea'] }, ...NEWS);
    assert.deepEqual(await heard(ann, clients), [[], [NEWS], [NEWS], []]);
  });

  test('who is in several of the rooms gets it once', async () => {
    const clients = await cluster.clients();
    const [ann, bob] = clients;
    for (const client of clients) for (const room of ['tea', 'milk']) await join(client, room, clients);
    await ann.does('emit', { to: ['tea', 'milk', 'sugar'] }, ...NEWS);
    assert.deepEqual(await heard(ann, clients), [[NEWS], [NEWS]]);
    await bob.does('leave', 'tea');
    await ann.does('emit', { to: ['tea', 'milk'] }, ...NEWS);
    assert.deepEqual(await heard(ann, clients), [[NEWS], [NEWS]]);
  });

  test('who is in a room that is left out gets nothing', async () => {
    const clients = await cluster.clients({ on: [0, 1, 1] });
    const [ann, bob, cat] = clients;
    await join(bob, 'tea', [ann]);
    await join(cat, 'tea', [ann]);
    await join(cat, 'muted', [ann]);
    await ann.does('emit', { except: ['muted'] }, ...NEWS);
    assert.deepEqual(await heard(ann, clients), [[NEWS], [NEWS], []]);
    await ann.does('emit', { to: ['tea'], except: ['muted'] }, ...NEWS);
    assert.deepEqual(await heard(ann, clients), [[], [NEWS], []]);
    await ann.does('emit', { except: [bob.id] }, ...NEWS);
    assert.deepEqual(await heard(ann, clients), [[NEWS], [], [NEWS]]);
  });

  test('who left a room gets nothing more', async () => {
    const clients = await cluster.clients();
    const [ann, bob] = clients;
    await join(bob, 'tea', [ann]);
    await bob.does('leave', 'tea');
    await ann.does('emit', { to: ['tea'] }, ...NEWS);
    assert.deepEqual(await heard(ann, clients), [[], []]);
    await join(bob, 'tea', [ann]);
    await ann.does('emit', { to: ['tea'] }, ...NEWS);
    assert.deepEqual(await heard(ann, clients), [[], [NEWS]]);
  });

  test('the id of a socket is a room with that socket alone', async () => {
    const clients = await cluster.clients({ on: [0, 1, 1] });
    const [ann, bob] = clients;
    await reaches(ann, { to: [bob.id] }, [bob]);
    await ann.does('emit', { to: [bob.id] }, ...NEWS);
    assert.deepEqual(await heard(ann, clients), [[], [NEWS], []]);
  });

  test('a room can have any name', async () => {
    const clients = await cluster.clients({ on: [0, 1, 1] });
    const [ann, bob] = clients;
    await bob.does('join', NAMES);
    for (const room of NAMES) {
      await reaches(ann, { to: [room] }, [bob]);
      await ann.does('emit', { to: [room] }, 'news', room);
      assert.deepEqual(await heard(ann, clients), [[], [['news', room]], []], room);
    }
  });
}
