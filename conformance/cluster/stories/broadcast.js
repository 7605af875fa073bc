import assert from 'node:assert/strict';

import { heard, reaches } from '../support/cluster.js';
import { test } from '../support/suite.js';

const ARGS = ['é🎈', 0, -1, 1.5, 1e-300, 2 ** 53 - 1, -(2 ** 31) - 1, true, null, [], {}, { a: [{ 'b c': '' }] }];

/** Events for everyone. */
export function broadcast(cluster) {
  test('an event reaches the clients of both nodes once', async () => {
    const clients = await cluster.clients();
    const [ann] = clients;
    await ann.does('emit', {}, 'news', ...ARGS);
    await ann.does('emit', {}, 'empty');
    const all = [['news', ...ARGS], ['empty']];
    assert.deepEqual(await heard(ann, clients), [all, all]);
  });

  test('what a socket sends to others reaches those of the other node, and not itself', async () => {
    const clients = await cluster.clients({ on: [0, 0, 1] });
    const [ann] = clients;
    await ann.does('emit', { others: true }, 'news', 1);
    assert.deepEqual(await heard(ann, clients), [[], [['news', 1]], [['news', 1]]]);
  });

  test('a volatile event reaches who can take it', async () => {
    const clients = await cluster.clients();
    await reaches(clients[0], { volatile: true }, clients);
  });

  test('a local event stays on its node', async () => {
    const clients = await cluster.clients();
    const [ann] = clients;
    await ann.does('emit', { local: true }, 'news', 1);
    assert.deepEqual(await heard(ann, clients), [[['news', 1]], []]);
  });

  test('events arrive in the order in which they were sent', async () => {
    const clients = await cluster.clients();
    const [ann] = clients;
    const events = Array.from({ length: 200 }, (_, number) => ['news', number]);
    await Promise.all(events.map((event) => ann.does('emit', {}, ...event)));
    assert.deepEqual(await heard(ann, clients), [events, events]);
  });

  test('a large event arrives whole', async () => {
    const clients = await cluster.clients();
    const [ann] = clients;
    const text = 'é'.repeat(200_000);
    await ann.does('emit', {}, 'news', text);
    assert.deepEqual(await heard(ann, clients), [[['news', text]], [['news', text]]]);
  });
}
