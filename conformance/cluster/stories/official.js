import assert from 'node:assert/strict';

import { heard, reaches } from '../support/cluster.js';
import { test } from '../support/suite.js';

/** What only the official server says, as JavaScript has it. */
export function official(cluster) {
  if (cluster.kinds[0] !== 'node') return;

  test('a number that is a room there is its text here', async () => {
    const clients = await cluster.clients({ on: [0, 1, 1] });
    const [ann, bob, cat] = clients;
    await ann.does('sockets-join', { to: [bob.id] }, [7]);
    await ann.does('sockets-join', { to: [cat.id] }, [8]);
    await reaches(ann, { to: 7 }, [bob]);
    await ann.does('emit', { to: [7, 9] }, 'news', 7);
    await ann.does('emit', { to: [8, 9], except: [7] }, 'news', 8);
    assert.deepEqual(await heard(ann, clients), [[], [['news', 7]], [['news', 8]]]);
  });

  test('dates are text, and nothing is null', async () => {
    const clients = await cluster.clients();
    const [ann] = clients;
    const date = '2001-02-03T04:05:06.789Z';
    await ann.does('emit-odd', {}, date);
    await ann.does('emit-odd', {}, date, Buffer.from([1]));
    const [plain, withBytes] = (await heard(ann, clients))[1];
    assert.deepEqual(withBytes.pop(), Buffer.from([1]));
    for (const [, text, nothing, list, object] of [plain, withBytes]) {
      assert.deepEqual([text, nothing, list, object.date], [date, null, [date, null], date]);
      // Left out or null, as the encoding has it.
      assert.equal(object.nothing ?? null, null);
    }
  });
}
