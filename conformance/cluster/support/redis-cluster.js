import { createClient } from 'redis';

import { freePort } from '../../js/support/server.js';
import { until } from '../../js/support/wait.js';
import { Redis } from './redis.js';

const MASTERS = 3;
const SLOTS = 16384;
const FORM_MS = 20_000;

/** A Redis Cluster of the tests' own: three masters that share the slots. */
export class RedisCluster {
  #masters = [];

  /** How nodes are told where it is. A master tells of the others. */
  get args() {
    return ['--redis-cluster', this.#masters[0].url];
  }

  async start() {
    for (let index = 0; index < MASTERS; index += 1) {
      const master = new Redis({ 'cluster-enabled': 'yes', 'cluster-port': await freePort() });
      this.#masters.push(master);
      await master.start();
    }
    const clients = await Promise.all(this.#masters.map(({ url }) => createClient({ url }).connect()));
    const { hostname, port } = new URL(this.#masters[0].url);
    const meeting = [hostname, port, String(this.#masters[0].options['cluster-port'])];
    for (const [index, client] of clients.entries()) {
      const [first, end] = [index, index + 1].map((number) => Math.floor((SLOTS * number) / MASTERS));
      await client.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', String(first), String(end - 1)]);
      await client.sendCommand(['CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1)]);
      await client.sendCommand(['CLUSTER', 'MEET', ...meeting]);
    }
    for (const client of clients) {
      await until(FORM_MS, 'a cluster', async () => {
        const info = await client.sendCommand(['CLUSTER', 'INFO']);
        return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${MASTERS}`) ? true : null;
      });
      await client.quit();
    }
  }

  async stop() {
    await Promise.all(this.#masters.map((master) => master.stop()));
  }
}
