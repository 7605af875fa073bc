import assert from 'node:assert/strict';

import { until } from '../../js/support/wait.js';
import { join } from '../support/cluster.js';
import { test } from '../support/suite.js';

const ROOMS = Array.from({ length: 12 }, (_, number) => `room ${number}`);
const ARRIVE_MS = 3000;

/** What goes by several masters of a Redis Cluster, and arrives in no order. */
export function masters(cluster) {
  test('events for rooms, sockets and all arrive once', async () => {
    const clients = await cluster.clients();
    const [ann, bob] = clients;
    for (const room of ROOMS) await join(bob, room, [ann]);
    for (const room of [...ROOMS, bob.id]) await ann.does('emit', { to: [room] }, 'news', room);
    await ann.does('emit', { to: ROOMS }, 'news', 'rooms');
    await ann.does('emit', {}, 'news', 'all');
    const expected = [...ROOMS, bob.id, 'rooms', 'all'];
    const haveAll = () => bob.heard.length >= expected.length && ann.heard.length > 0;
    await until(ARRIVE_MS, 'all events', async () => (haveAll() ? true : null));
    assert.deepEqual(bob.heard.map(([, what]) => what).sort(), expected.sort());
    assert.deepEqual(ann.heard, [['news', 'all']]);
  });
}
