import assert from 'node:assert/strict';

import { until } from '../../js/support/wait.js';
import { comeBack, heard, join } from '../support/cluster.js';
import { test } from '../support/suite.js';

/** Ends the connection of a client, and resolves once its node has noticed. */
async function dropOff(client, witness) {
  const { id } = client;
  client.io.reconnection(false);
  client.io.engine.close();
  await client.next('disconnect');
  await until(3000, 'a socket that is gone', async () => {
    const { sockets } = await witness.does('fetch', { to: [id] });
    return sockets.length === 0 || null;
  });
}

/** Clients that come back to another node than the one they were on. */
export function recovery(cluster) {
  test('who drops off one node comes back on the other, misses nothing, and can go back', async () => {
    const [ann, bob, cat] = await cluster.clients({ on: [0, 0, 1] });
    const { id } = ann;
    const data = { name: 'Änn', list: [1, { deep: null }] };
    await join(ann, 'tea', [cat]);
    await ann.does('data', data);
    for (const node of [cluster.nodes[1], cluster.nodes[0]]) {
      await heard(bob, [ann, bob, cat]);
      await dropOff(ann, bob);
      const missed = [];
      for (const from of [bob, cat, bob]) {
        const events = [['news', missed.length, 'é'], ['bytes', Buffer.from([missed.length]), { deep: Buffer.alloc(0) }]];
        await from.does('emit', {}, ...events[0]);
        await from.does('emit', { to: ['tea', 'milk'] }, ...events[1]);
        await from.does('emit', { to: ['milk'] }, 'for others');
        await from.does('emit', { except: ['tea'] }, 'for others');
        await heard(from, [bob, cat]);
        missed.push(...events);
      }
      await comeBack(ann, node);
      assert.equal(ann.recovered, true);
      assert.equal(ann.id, id);
      assert.deepEqual(await ann.does('whoami'), { id, rooms: [id, 'tea'], data, recovered: true });
      await bob.does('emit', { to: [id] }, 'welcome');
      const [events] = await heard(bob, [ann]);
      assert.deepEqual(events, [...missed, ['welcome']]);
    }
  });

  test('who comes back is found by all nodes, and is in its rooms for them', async () => {
    const [ann, bob, cat] = await cluster.clients({ on: [0, 0, 1] });
    await join(ann, 'tea', [cat]);
    await heard(bob, [ann]);
    await dropOff(ann, bob);
    await comeBack(ann, cluster.nodes[1]);
    assert.equal(ann.recovered, true);
    for (const from of [bob, cat]) {
      const { sockets } = await from.does('fetch', { to: ['tea'] });
      assert.deepEqual(sockets.map((socket) => socket.id), [ann.id]);
      await from.does('emit', { to: ['tea'] }, 'news', 1);
      assert.deepEqual((await heard(from, [ann]))[0], [['news', 1]]);
    }
  });

  test('who missed much gets all of it, in order and once', async () => {
    const [ann, bob, cat] = await cluster.clients({ on: [0, 0, 1] });
    await heard(bob, [ann]);
    await dropOff(ann, bob);
    const missed = Array.from({ length: 1500 }, (_, number) => ['news', number]);
    await Promise.all(missed.map((event) => bob.does('emit', {}, ...event)));
    // An official server that is behind gives twice what it has yet to read.
    await heard(bob, cluster.kinds.includes('node') ? [bob, cat] : [bob]);
    await comeBack(ann, cluster.nodes[1]);
    assert.equal(ann.recovered, true);
    assert.deepEqual((await heard(bob, [ann]))[0], missed);
  });

  test('who left is somebody new', async () => {
    const [ann, bob] = await cluster.clients({ on: [0, 0, 1] });
    const { id } = ann;
    await heard(bob, [ann]);
    ann.disconnect();
    await comeBack(ann, cluster.nodes[1]);
    assert.equal(ann.recovered, false);
    assert.notEqual(ann.id, id);
  });

  for (const offset of [undefined, '1-0']) {
    test(`who says to have had the event ${offset} last gets nothing that was not for it`, async () => {
      const [ann, bob] = await cluster.clients({ on: [0, 0, 1] });
      const { id } = ann;
      await heard(bob, [ann]);
      await dropOff(ann, bob);
      await bob.does('emit', {}, 'news', 1);
      await heard(bob, [bob]);
      ann._lastOffset = offset;
      await comeBack(ann, cluster.nodes[1]);
      // The official server does not keep what a socket had, and takes the client's word or none.
      const isKept = !cluster.kinds.includes('node');
      assert.equal(ann.recovered, isKept);
      assert.equal(ann.id === id, isKept);
      assert.deepEqual((await heard(bob, [ann]))[0], isKept ? [['news', 1]] : []);
    });
  }
}
