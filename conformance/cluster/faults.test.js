import assert from 'node:assert/strict';

import { until } from '../js/support/wait.js';
import { comeBack, heard, join, meet, reaches } from './support/cluster.js';
import { test, withCluster, withRedis } from './support/suite.js';

const KINDS = ['tower', 'node', 'node'];

const ADAPTERS = {
  classic: ['--adapter', 'classic'],
  sharded: ['--adapter', 'sharded'],
  streams: ['--adapter', 'streams'],
  'streams with recovery': ['--adapter', 'streams', '--recovery'],
};

/** An outage is told once, and what was on its way then. */
const OUTAGE = /^(adapter: no connection to Redis: .*\n(adapter: \d+ messages to other nodes are lost\n)?)?$/;

for (const [name, args] of Object.entries(ADAPTERS)) {
  withRedis(`${name}, when something breaks`, (redis) => {
    withCluster(redis, KINDS, args, (cluster) => faults(redis, cluster), OUTAGE);
  });
}

withRedis('clients of a node that ends', (redis) => {
  for (const kinds of [['tower', 'node'], ['axum', 'actix']]) {
    withCluster(redis, kinds, ADAPTERS['streams with recovery'], (cluster) => {
      test('come back to another, and have missed nothing', async () => {
        const [ann, bob] = await cluster.clients();
        const { id } = ann;
        await join(ann, 'tea', [bob]);
        await heard(bob, [ann]);
        const gone = ann.next('disconnect');
        ann.io.reconnection(false);
        await cluster.nodes[0].stop();
        await gone;
        await bob.does('emit', { to: ['tea'] }, 'news', 1);
        await comeBack(ann, cluster.nodes[1]);
        assert.equal(ann.recovered, true);
        assert.equal(ann.id, id);
        assert.deepEqual(await ann.next('news'), [1]);
      });
    });
  }
});

function faults(redis, cluster) {
  test('Redis goes and comes back: nodes find each other again, and rooms are what they were', async () => {
    const clients = await cluster.clients();
    const [ann] = clients;
    for (const client of clients) await join(client, 'tea', clients);
    await redis.kill();
    try {
      await ann.does('emit', {}, 'news', 'at home');
      assert.deepEqual(await ann.next('news'), ['at home']);
      await until(3000, 'word of the outage', () => cluster.complaints || null);
    } finally {
      await redis.restart();
    }
    await meet(clients);
    for (const from of clients) await reaches(from, { to: ['tea'] }, clients);
    for (const from of clients) {
      const { complete, sockets } = await from.does('fetch', {});
      assert.equal(complete, true);
      assert.equal(sockets.length, 3);
      const { answers } = await from.does('server-ask', 'question');
      assert.equal(answers.length, 2);
    }
    await heard(ann, clients);
    await ann.does('emit', {}, 'news', 'again');
    assert.deepEqual(await heard(ann, clients), clients.map(() => [['news', 'again']]));
  });

  test('a node hangs: there are the answers of the others, in time', async () => {
    const [ann, bob, cat] = await cluster.clients();
    [ann, bob].forEach((client, number) => client.on('question', (answer) => answer(number)));
    const [, other, hanging] = cluster.nodes;
    hanging.signal('SIGSTOP');
    try {
      const [found, asked, told] = await Promise.all([
        ann.does('fetch', {}),
        ann.does('ask', { timeout: 500 }, 'question'),
        ann.does('server-ask', 'question'),
      ]);
      assert.equal(found.complete, false);
      assert.deepEqual(found.sockets.map((socket) => socket.id).sort(), [ann.id, bob.id].sort());
      assert.equal(asked.complete, false);
      assert.deepEqual(asked.answers.sort(), [0, 1]);
      assert.deepEqual(told, { complete: false, answers: [[other.port]] });
    } finally {
      hanging.signal('SIGCONT');
    }
    await reaches(ann, {}, [cat]);
  });

  test('a node is killed while it is asked: there are the answers of the others, in time', async () => {
    const [ann, bob, cat] = await cluster.clients();
    [ann, bob].forEach((client, number) => client.on('question', (answer) => answer(number)));
    const asked = ann.does('ask', { timeout: 1000 }, 'question');
    await cat.next('question');
    await cluster.nodes[2].kill();
    const { complete, answers } = await asked;
    assert.equal(complete, false);
    assert.deepEqual(answers.sort(), [0, 1]);
    const { sockets, ...found } = await ann.does('fetch', {});
    assert.equal(found.complete, true);
    assert.deepEqual(sockets.map((socket) => socket.id).sort(), [ann.id, bob.id].sort());
    await cluster.nodes[2].start();
    assert.equal((await cluster.clients()).length, 3);
  });
}
