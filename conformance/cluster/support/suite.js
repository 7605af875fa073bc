import assert from 'node:assert/strict';
import { after, afterEach, before, describe } from 'node:test';

import { disposeAll, test } from '../../js/support/suite.js';
import { acks } from '../stories/acks.js';
import { binary } from '../stories/binary.js';
import { broadcast } from '../stories/broadcast.js';
import { namespaces } from '../stories/namespaces.js';
import { official } from '../stories/official.js';
import { rooms } from '../stories/rooms.js';
import { serverEvents } from '../stories/server-events.js';
import { sockets } from '../stories/sockets.js';
import { three } from '../stories/three.js';
import { Cluster } from './cluster.js';
import { Redis } from './redis.js';

export { test };

const START_MS = 60_000;
const STOP_MS = 10_000;

/** Pairs of nodes that share all stories. KINDS names one pair instead, such as `node+node`. */
const PAIRS = process.env.KINDS ? [process.env.KINDS.split('+')] : [['tower', 'node'], ['axum', 'actix']];

/** Nodes for what is gathered from several. */
export const THREE = process.env.KINDS ? [...PAIRS[0], PAIRS[0][0]] : ['node', 'warp', 'node'];

/** What holds with every adapter. */
const STORIES = [broadcast, rooms, binary, acks, sockets, serverEvents, namespaces, official];

/** Calls `groups(redis)` in a group that has a Redis of its own. */
export function withRedis(name, groups, redis = new Redis()) {
  describe(name, () => {
    before(() => redis.start(), { timeout: START_MS });
    after(() => redis.stop(), { timeout: STOP_MS });
    groups(redis);
  });
}

/** A group of tests about one cluster, which runs as long as they do. What the nodes complain of is then as expected. */
export function withCluster(redis, kinds, args, tests, complaints = /^$/) {
  describe(kinds.join(' + '), () => {
    const cluster = new Cluster(redis, kinds, args);
    before(() => cluster.start(), { timeout: START_MS });
    afterEach(disposeAll);
    after(
      async () => {
        await cluster.stop();
        assert.match(cluster.complaints, complaints);
      },
      { timeout: STOP_MS },
    );
    tests(cluster);
  });
}

/** Tells stories of pairs of nodes, in both directions where they are of two kinds. */
export function inPairs(redis, args, groups) {
  for (const kinds of PAIRS) {
    withCluster(redis, kinds, args, (cluster) => {
      const ways = kinds.includes('node') ? [cluster, cluster.reversed()] : [cluster];
      for (const way of ways) {
        describe(`from ${way.kinds.join(' to ')}`, () => groups.forEach((stories) => stories(way)));
      }
    });
  }
}

/** Tells the stories that all adapters share, and more, of nodes that are started with these arguments. */
export function everyStory(name, args, more) {
  withRedis(name, (redis) => {
    inPairs(redis, args, [...STORIES, ...more]);
    withCluster(redis, THREE, args, three);
  });
}
