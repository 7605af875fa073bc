import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { connect } from '../../js/support/client.js';
import { Server } from '../../js/support/server.js';
import { sleep, within } from '../../js/support/wait.js';

const NODE_SERVER = fileURLToPath(new URL('../node-server.js', import.meta.url));
const WEBSOCKET = { transports: ['websocket'] };

/** What the clients of a cluster are sent to see how far it has come. Stories do not hear it. */
const PROBE = 'probe';
const PROBE_MS = 3000;

/** A place in a stream. */
const OFFSET = /^\d+-\d+$/;

let stories = 0;
let probes = 0;

/**
 * Servers over one Redis, started with the same arguments. A node is of a kind: `node` is the official server, the
 * others are the frameworks of the conformance servers, whose folder CONFORMANCE_SERVERS names.
 */
export class Cluster {
  constructor(redis, kinds, args) {
    this.kinds = kinds;
    this.recovers = args.includes('--recovery');
    this.nodes = kinds.map((kind) => new Server({ command: () => [...program(kind), ...args, ...redis.args] }));
  }

  /** The same nodes, the other way round. */
  reversed() {
    const other = Object.create(this);
    other.kinds = [...this.kinds].reverse();
    other.nodes = [...this.nodes].reverse();
    return other;
  }

  async start() {
    await Promise.all(this.nodes.map((node) => node.start()));
  }

  async stop() {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  /** What the nodes wrote to their standard errors. */
  get complaints() {
    return this.nodes.map((node) => node.complaints).join('');
  }

  /**
   * A client on each node, or on those with these numbers, all in one namespace, by default in one of the story's own.
   * Each node has heard of the others.
   */
  async clients({ on = this.nodes.keys(), nsp = `/story-${(stories += 1)}`, options = {}, ...more } = {}) {
    const join = (index) => connect(this.nodes[index], { ...WEBSOCKET, ...options }, { nsp, ...more });
    const clients = (await Promise.all([...on].map(join))).map((socket) => told(socket, this.recovers));
    await meet(clients);
    return clients;
  }
}

function program(kind) {
  if (kind === 'node') return [process.execPath, '--no-warnings', NODE_SERVER];
  const folder = process.env.CONFORMANCE_SERVERS;
  if (!folder) throw new Error('CONFORMANCE_SERVERS must hold the absolute path of the folder with the servers');
  return [path.join(folder, `conformance-${kind}`), '--mode', 'cluster'];
}

/**
 * A socket that has its node do things. `does(operation, ...)` gives what the operation comes to; `heard` has the events
 * that were for the story. Where clients are recovered events end with an offset, which is left out.
 */
function told(socket, recovers) {
  const plain = (args) => (recovers && OFFSET.test(args.at(-1)) ? args.slice(0, -1) : args);
  const { next } = socket;
  socket.heard = [];
  socket.onAny((event, ...args) => {
    if (event !== PROBE) socket.heard.push([event, ...plain(args)]);
  });
  socket.next = async (...which) => plain(await next(...which));
  socket.does = async (...operation) => (await socket.ask(...operation))[0];
  return socket;
}

/** Resolves once the node of each of these clients reaches all of them. */
export async function meet(clients) {
  for (const from of clients) await reaches(from, {}, clients);
}

/** Resolves once the node of a client reaches others, by a selection. Subscriptions take a while. */
export async function reaches(from, selection, clients, operation = 'emit') {
  const number = (probes += 1);
  const arrived = Promise.all(clients.map((client) => probed(client, number)));
  let over = false;
  const trying = async () => {
    while (!over) {
      await from.does(operation, selection, PROBE, number);
      await Promise.race([arrived, sleep(10)]);
    }
  };
  try {
    await within(PROBE_MS, 'a way between two nodes', Promise.race([arrived, trying()]));
  } finally {
    over = true;
  }
}

/** Resolves once a client has got a probe. */
function probed(client, number) {
  return new Promise((resolve) => {
    const seen = (probe) => {
      if (probe !== number) return;
      client.off(PROBE, seen);
      resolve();
    };
    client.on(PROBE, seen);
  });
}

/** Joins a room, and resolves once the nodes of the other clients reach the client by it. */
export async function join(client, room, others) {
  await client.does('join', room);
  for (const other of others) if (other !== client) await reaches(other, { to: room }, [client]);
}

/** Has a client connect again, to a node. */
export async function comeBack(client, node) {
  client.io.reconnection(false);
  client.io.uri = node.origin;
  client.connect();
  await client.next('connect');
}

/** What each client has heard since it was asked last, up to what its node was just sent by that of `from`. */
export async function heard(from, clients) {
  const number = (probes += 1);
  const marked = Promise.all(clients.map((client) => probed(client, number)));
  await from.does('emit', {}, PROBE, number);
  await within(PROBE_MS, 'a mark', marked);
  return clients.map((client) => client.heard.splice(0));
}
