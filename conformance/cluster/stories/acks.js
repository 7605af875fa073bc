import assert from 'node:assert/strict';

import { heard, join } from '../support/cluster.js';
import { test } from '../support/suite.js';

const SHORT = { timeout: 300 };
const LONG = { timeout: 2000 };

/** Has each client acknowledge with its number. */
const answering = (clients) => clients.forEach((client, number) => client.on('vote', (_, answer) => answer(number)));

/** Acknowledgements of the clients of all nodes. */
export function acks(cluster) {
  test('the clients of both nodes acknowledge', async () => {
    const clients = await cluster.clients({ on: [0, 1, 0, 1] });
    answering(clients);
    const { complete, answers } = await clients[0].does('ask', LONG, 'vote', 'tea?');
    assert.equal(complete, true);
    assert.deepEqual(answers.sort(), [0, 1, 2, 3]);
  });

  test('those in a room acknowledge, but for those in another', async () => {
    const clients = await cluster.clients({ on: [0, 0, 1, 1] });
    const [ann, bob, cat, dan] = clients;
    answering(clients);
    for (const client of [bob, cat, dan]) await join(client, 'tea', [ann]);
    await join(dan, 'muted', [ann]);
    const { complete, answers } = await ann.does('ask', { ...LONG, to: ['tea'], except: ['muted'] }, 'vote', 1);
    assert.equal(complete, true);
    assert.deepEqual(answers.sort(), [1, 2]);
    const others = await ann.does('ask', { ...LONG, others: true }, 'vote', 1);
    assert.deepEqual(others.answers.sort(), [1, 2, 3]);
    assert.equal((await heard(ann, clients))[0].length, 0);
  });

  test('where there is nobody nothing is waited for', async () => {
    const [ann] = await cluster.clients();
    assert.deepEqual(await ann.does('ask', { ...LONG, to: ['nobody'] }, 'vote', 1), { complete: true, answers: [] });
  });

  test('of clients that do not all acknowledge there are the answers of the others', async () => {
    const clients = await cluster.clients({ on: [0, 0, 1, 1] });
    const [ann, bob, cat] = clients;
    answering([ann, cat]);
    const { complete, answers } = await ann.does('ask', SHORT, 'vote', 1);
    assert.equal(complete, false);
    assert.deepEqual(answers.sort(), [0, 1]);
    // The silence of one node's clients alone is noticed too.
    answering([bob]);
    const late = await ann.does('ask', { ...SHORT, to: [bob.id, clients[3].id] }, 'vote', 1);
    assert.deepEqual(late, { complete: false, answers: [0] });
  });

  // The official server asks its own clients alone, but waits for all nodes.
  if (cluster.kinds[0] !== 'node') {
    test('a local question is for the clients of the node alone', async () => {
      const clients = await cluster.clients();
      answering(clients);
      const answer = await clients[0].does('ask', { ...LONG, local: true }, 'vote', 1);
      assert.deepEqual(answer, { complete: true, answers: [0] });
    });
  }

  test('answers can be nothing, null, text, numbers and objects', async () => {
    const [ann, bob] = await cluster.clients();
    for (const value of [null, '', 'é🎈', 0, -1.5, 2 ** 40, [], {}, [[1], { a: null }], false]) {
      bob.once('question', (answer) => answer(value));
      const answer = await ann.does('ask', { ...LONG, to: [bob.id] }, 'question');
      assert.deepEqual(answer, { complete: true, answers: [value] });
    }
  });

  test('of several arguments the first crosses nodes', async () => {
    const [ann, bob] = await cluster.clients();
    bob.on('question', (answer) => answer([1, 2], 'more'));
    const answer = await ann.does('ask', { ...LONG, to: [bob.id] }, 'question');
    assert.deepEqual(answer, { complete: true, answers: [[1, 2]] });
  });

  test('many questions at once each get their own answers', async () => {
    const clients = await cluster.clients();
    clients.forEach((client) => client.on('square', (number, answer) => answer(number * number)));
    const numbers = Array.from({ length: 30 }, (_, number) => number);
    const answers = await Promise.all(numbers.map((number) => clients[0].does('ask', LONG, 'square', number)));
    const squares = numbers.map((number) => ({ complete: true, answers: [number * number, number * number] }));
    assert.deepEqual(answers, squares);
  });
}
