// A node of a cluster on the official server, with the same handlers as the mode `cluster` of the conformance servers.
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter';
import { Emitter } from '@socket.io/redis-emitter';
import { createAdapter as createStreamsAdapter } from '@socket.io/redis-streams-adapter';
import { createClient, createCluster } from 'redis';
import { Server } from 'socket.io';

const REQUEST_MS = 1000;

const { values: options } = parseArgs({
  options: {
    port: { type: 'string' },
    adapter: { type: 'string' },
    redis: { type: 'string' },
    'redis-cluster': { type: 'string' },
    'own-response-channel': { type: 'boolean', default: false },
    'subscription-mode': { type: 'string', default: 'dynamic' },
    'sharded-pubsub': { type: 'boolean', default: false },
    recovery: { type: 'boolean', default: false },
  },
});

async function redis() {
  const client = options.redis
    ? createClient({ url: options.redis })
    : createCluster({ rootNodes: [{ url: options['redis-cluster'] }] });
  client.on('error', () => {});
  await client.connect();
  return client;
}

const publisher = await redis();
const adapters = {
  classic: async () =>
    createAdapter(publisher, await redis(), {
      requestsTimeout: REQUEST_MS,
      publishOnSpecificResponseChannel: options['own-response-channel'],
    }),
  sharded: async () =>
    createShardedAdapter(publisher, await redis(), { subscriptionMode: options['subscription-mode'] }),
  streams: async () => createStreamsAdapter(publisher, { useShardedPubSub: options['sharded-pubsub'] }),
};

const http = createServer();
const io = new Server(http, {
  adapter: await adapters[options.adapter](),
  connectionStateRecovery: options.recovery ? {} : undefined,
});

/** Narrows an operator of a namespace or of an emitter down. */
function narrow(operator, { to, except, volatile, local, timeout }) {
  if (to) operator = operator.to(to);
  if (except) operator = operator.except(except);
  if (volatile) operator = operator.volatile;
  if (local) operator = operator.local;
  if (timeout) operator = operator.timeout(timeout);
  return operator;
}

const described = ({ id, handshake, rooms, data }) => ({ id, handshake, rooms: [...rooms], data });

/** What a client can have its node do, with whom it selects. */
const operations = {
  emit: (operator, event, ...args) => void operator.emit(event, ...args),
  ask: (operator, event, ...args) =>
    new Promise((resolve) => {
      operator.emit(event, ...args, (error, answers) => resolve({ complete: !error, answers }));
    }),
  fetch: async (operator) => {
    try {
      return { complete: true, sockets: (await operator.fetchSockets()).map(described) };
    } catch {
      return { complete: false, sockets: [] };
    }
  },
  'emit-odd': (operator, text, ...more) => {
    const date = new Date(text);
    operator.emit('odd', date, undefined, [date, undefined], { date, nothing: undefined }, ...more);
  },
  'sockets-join': (operator, rooms) => void operator.socketsJoin(rooms),
  'sockets-leave': (operator, rooms) => void operator.socketsLeave(rooms),
  'sockets-disconnect': (operator, close) => void operator.disconnectSockets(close),
};

/** What it can have it do with each socket that is fetched. */
const remotely = {
  'remote-emit': (socket, event, ...args) => void socket.emit(event, ...args),
  'remote-ask': (socket, event, ...args) => socket.timeout(REQUEST_MS).emitWithAck(event, ...args),
  'remote-join': (socket, rooms) => void socket.join(rooms),
  'remote-leave': (socket, room) => void socket.leave(room),
  'remote-disconnect': (socket, close) => void socket.disconnect(close),
};

/** What it can have done by a program that only sends. */
const emitted = {
  'emitter-emit': operations.emit,
  'emitter-join': operations['sockets-join'],
  'emitter-leave': operations['sockets-leave'],
  'emitter-disconnect': operations['sockets-disconnect'],
  'emitter-server-emit': (operator, event, ...args) => void operator.serverSideEmit(event, ...args),
};

function serve(nsp) {
  // Whom an operator without rooms or exceptions selects: everyone.
  const everyone = nsp.except([]);
  const emitter = new Emitter(publisher, {}, nsp.name);
  nsp.on('note', (...args) => nsp.local.emit('noted', ...args));
  nsp.on('question', (...args) => {
    const answer = args.pop();
    answer([http.address().port, ...args]);
  });
  nsp.on('connection', (socket) => {
    const on = (event, operation) => {
      socket.on(event, async (...args) => {
        const answer = args.pop();
        answer(await operation(...args));
      });
    };
    on('join', (rooms) => socket.join(rooms));
    on('leave', (room) => socket.leave(room));
    on('data', (data) => void Object.assign(socket.data, data));
    on('whoami', () => ({ id: socket.id, rooms: [...socket.rooms], data: socket.data, recovered: socket.recovered }));
    on('server-emit', (event, ...args) => void nsp.serverSideEmit(event, ...args));
    on('server-ask', (event, ...args) => {
      return new Promise((resolve) => {
        nsp.serverSideEmit(event, ...args, (error, answers) => resolve({ complete: !error, answers }));
      });
    });
    const narrowed = ({ others, ...selection }) => narrow(others ? socket.broadcast : everyone, selection);
    for (const [event, operation] of Object.entries(operations)) {
      on(event, (selection, ...args) => operation(narrowed(selection), ...args));
    }
    for (const [event, operation] of Object.entries(remotely)) {
      on(event, async (selection, ...args) => {
        const sockets = await narrowed(selection).fetchSockets();
        return Promise.all(sockets.map((socket) => operation(socket, ...args)));
      });
    }
    for (const [event, operation] of Object.entries(emitted)) {
      on(event, (selection, ...args) => operation(narrow(emitter, selection), ...args));
    }
  });
}

serve(io.of('/'));
serve(io.of('/custom'));
io.on('new_namespace', serve);
io.of(/^\/story-/);

http.listen(Number(options.port), '127.0.0.1');
process.once('SIGTERM', () => process.exit());
// Adapters leave a command that fails with its connection to this, which would end the process.
process.on('unhandledRejection', () => {});
