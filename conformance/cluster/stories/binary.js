import assert from 'node:assert/strict';

import { heard, join } from '../support/cluster.js';
import { test } from '../support/suite.js';

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const EMPTY = Buffer.alloc(0);
const LARGE = Buffer.alloc(300_000, 'large');

/** Bytes, wherever they can be. */
export function binary(cluster) {
  test('bytes arrive as bytes, wherever in the arguments they are', async () => {
    const clients = await cluster.clients();
    const [ann] = clients;
    const events = [
      ['bytes', ALL_BYTES],
      ['bytes', EMPTY],
      ['bytes', LARGE],
      ['bytes', 'é', { deep: [{ down: ALL_BYTES }, null] }, 1.5, EMPTY, [ALL_BYTES, 'between', LARGE]],
      ['no bytes', { _placeholder: 'not one' }],
    ];
    for (const event of events) await ann.does('emit', {}, ...event);
    assert.deepEqual(await heard(ann, clients), [events, events]);
  });

  test('clients that poll get bytes of the other node, and acknowledge with some', async () => {
    const clients = await cluster.clients({ options: { transports: ['polling'] } });
    const [ann] = clients;
    const event = ['bytes', ALL_BYTES, { deep: [EMPTY] }, 'é🎈'];
    await ann.does('emit', {}, ...event);
    assert.deepEqual(await heard(ann, clients), [[event], [event]]);
    for (const client of clients) client.on('question', (answer) => answer(ALL_BYTES));
    const answers = await ann.does('ask', { timeout: 2000 }, 'question');
    assert.deepEqual(answers, { complete: true, answers: [ALL_BYTES, ALL_BYTES] });
  });

  test('bytes and text for a room arrive in their order', async () => {
    const clients = await cluster.clients();
    const [ann, bob] = clients;
    await join(bob, 'tea', [ann]);
    const events = Array.from({ length: 50 }, (_, number) => ['news', number % 2 ? Buffer.from([number]) : number]);
    await Promise.all(events.map((event) => ann.does('emit', { to: ['tea'] }, ...event)));
    assert.deepEqual(await heard(ann, clients), [[], events]);
  });

  test('clients of both nodes acknowledge with bytes what they were sent with bytes', async () => {
    const clients = await cluster.clients();
    const [ann] = clients;
    for (const client of clients) client.on('question', (bytes, answer) => answer({ back: [bytes, LARGE] }));
    const { complete, answers } = await ann.does('ask', { timeout: 2000 }, 'question', ALL_BYTES);
    assert.equal(complete, true);
    const expected = { back: [ALL_BYTES, LARGE] };
    assert.deepEqual(answers, [expected, expected]);
  });
}

/** Bytes in the events of nodes. */
export function serverBinary(cluster) {
  test('another node is sent bytes, and answers with bytes', async () => {
    const [ann, bob] = await cluster.clients();
    const args = [ALL_BYTES, { deep: [EMPTY] }];
    await ann.does('server-emit', 'note', ...args);
    assert.deepEqual(await bob.next('noted'), args);
    const { complete, answers } = await ann.does('server-ask', 'question', ...args);
    assert.equal(complete, true);
    assert.deepEqual(answers, [[cluster.nodes[1].port, ...args]]);
  });
}
