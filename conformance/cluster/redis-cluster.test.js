import { acks } from './stories/acks.js';
import { masters } from './stories/masters.js';
import { serverEvents } from './stories/server-events.js';
import { sockets } from './stories/sockets.js';
import { three } from './stories/three.js';
import { RedisCluster } from './support/redis-cluster.js';
import { inPairs, THREE, withCluster, withRedis } from './support/suite.js';

// The other stories rely on the order of events, which is one for each channel here.
for (const mode of ['static', 'dynamic', 'dynamic-private']) {
  const args = ['--adapter', 'sharded', '--subscription-mode', mode];
  const groups = (redis) => {
    inPairs(redis, args, [masters, acks, sockets, serverEvents]);
    withCluster(redis, THREE, args, three);
  };
  withRedis(`sharded, ${mode}, on a Redis Cluster`, groups, new RedisCluster());
}

// The official server sends each message through any of the masters: its order is lost.
for (const adapter of ['classic', 'streams']) {
  const groups = (redis) => inPairs(redis, ['--adapter', adapter], [masters, acks, sockets]);
  withRedis(`${adapter}, on a Redis Cluster`, groups, new RedisCluster());
}
