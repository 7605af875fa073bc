import v1 from 'socket.io-client-v1';
import v2 from 'socket.io-client-v2';
import v3 from 'socket.io-client-v3';

import { ways } from './client.js';
import { disposable } from './suite.js';
import { Inbox, within } from './wait.js';

/**
 * The official client in the versions before the current one: the protocol of Engine.IO it speaks, how it hands over
 * what a namespace is to know of it, and how it tells of a refusal.
 */
export const versions = {
  '1.x': { io: v1, eio: 3, options: asQuery, onRefusal: onError },
  '2.x': { io: v2, eio: 3, options: asQuery, onRefusal: onError },
  '3.x': { io: v3, eio: 4, options: (auth) => ({ auth }), onRefusal: onConnectError },
};

/** The ways to reach a server, that of clients without binary data among them. */
export const oldWays = { ...ways, base64: { transports: ['polling', 'websocket'], forceBase64: true } };

/** Calls `stories(name, version, options)` for each version and way. */
export function eachVersion(stories) {
  for (const [name, version] of Object.entries(versions)) {
    for (const [way, options] of Object.entries(oldWays)) stories(`${name}, ${way}`, version, options);
  }
}

function asQuery(auth) {
  return auth && { query: new URLSearchParams(auth).toString() };
}

function onError(socket, take) {
  socket.on('error', take);
}

function onConnectError(socket, take) {
  socket.on('connect_error', ({ message, data }) => take(data ?? { message }));
}

/** The events of the fixture. */
const EVENTS = [
  'auth',
  'broadcast-acks',
  'broadcast-msg',
  'connect',
  'disconnect',
  'emit-with-ack',
  'message-back',
  'room-msg',
];

export function oldManager(version, server, options = {}) {
  const made = new version.io.Manager(server.origin, {
    autoConnect: false,
    reconnection: false,
    timeout: 3000,
    ...options,
  });
  made.dispose = () => {
    made.reconnection(false);
    for (const socket of Object.values(made.nsps)) socket.disconnect();
    made.engine?.close();
  };
  return disposable(made);
}

/**
 * A socket of that client, on its way. `next(event)` gives the arguments of the next such event, `refused()` the data
 * of the next refusal.
 */
export function beginOld(version, server, options = {}, { nsp = '/', auth, on } = {}) {
  const socket = (on ?? oldManager(version, server, options)).socket(nsp, version.options(auth));
  const inboxes = Object.fromEntries([...EVENTS, 'refusal'].map((event) => [event, new Inbox()]));
  for (const event of EVENTS) socket.on(event, (...args) => inboxes[event].push(args));
  version.onRefusal(socket, (data) => inboxes.refusal.push(data));
  socket.next = (event, ms = 3000) => inboxes[event].next(ms, event);
  socket.pending = (event) => inboxes[event].size;
  socket.refused = () => inboxes.refusal.next(3000, 'refusal');
  socket.ask = (...args) => within(3000, `acknowledgement of ${args[0]}`, acknowledged(socket, args));
  socket.connect();
  return socket;
}

function acknowledged(socket, args) {
  return new Promise((resolve) => socket.emit(...args, (...answer) => resolve(answer)));
}

/** A connected socket. Its first `connect` is already taken. */
export async function connectOld(version, server, options = {}, more = {}) {
  const socket = beginOld(version, server, options, more);
  await socket.next('connect');
  return socket;
}
