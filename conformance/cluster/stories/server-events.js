import assert from 'node:assert/strict';

import { heard } from '../support/cluster.js';
import { test } from '../support/suite.js';

/** Events that nodes send to each other. */
export function serverEvents(cluster) {
  test('the other node hears an event, in order, and the node itself does not', async () => {
    const clients = await cluster.clients();
    const [ann, bob] = clients;
    const args = ['é🎈', 1, null, [{ a: 1.5 }]];
    const notes = Array.from({ length: 20 }, (_, number) => [number, ...args]);
    for (const note of notes) await ann.does('server-emit', 'note', ...note);
    for (const note of notes) assert.deepEqual(await bob.next('noted'), note);
    assert.deepEqual((await heard(ann, clients))[0], []);
  });

  test('the other node answers', async () => {
    const [ann] = await cluster.clients();
    const { port } = cluster.nodes[1];
    for (const args of [[], ['é', null, [1.5], { a: {} }]]) {
      const answer = await ann.does('server-ask', 'question', ...args);
      assert.deepEqual(answer, { complete: true, answers: [[port, ...args]] });
    }
  });

  // The official server gives up after 5 s.
  if (cluster.kinds[0] !== 'node') {
    test('a node that does not answer is not waited for in vain', async () => {
      const [ann] = await cluster.clients();
      assert.deepEqual(await ann.does('server-ask', 'silence'), { complete: false, answers: [] });
    });
  }
}
