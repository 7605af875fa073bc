import { Manager } from 'socket.io-client';

import { disposable } from './suite.js';
import { Inbox, within } from './wait.js';

/** The three ways in which the official client reaches a server. */
export const ways = {
  polling: { transports: ['polling'] },
  websocket: { transports: ['websocket'] },
  upgrade: { transports: ['polling', 'websocket'] },
};

/** Calls `stories(name, transports)` for each way. */
export function eachWay(stories) {
  for (const [name, options] of Object.entries(ways)) stories(name, options);
}

export function manager(server, options = {}) {
  const made = new Manager(server.origin, { autoConnect: false, reconnection: false, timeout: 3000, ...options });
  made.dispose = () => {
    made.reconnection(false);
    for (const socket of Object.values(made.nsps)) socket.disconnect();
    made._close();
  };
  return disposable(made);
}

/**
 * A socket of the official client, on its way. `next(event)` gives the arguments of the next such event,
 * also of one that came before it was asked for.
 */
export function begin(server, options = {}, { nsp = '/', auth, on } = {}) {
  const socket = (on ?? manager(server, options)).socket(nsp, { auth });
  const inboxes = new Map();
  const inbox = (event) => {
    if (!inboxes.has(event)) inboxes.set(event, new Inbox());
    return inboxes.get(event);
  };
  for (const event of ['connect', 'connect_error', 'disconnect']) {
    socket.on(event, (...args) => inbox(event).push(args));
  }
  socket.onAny((event, ...args) => inbox(event).push(args));
  socket.next = (event, ms = 3000) => inbox(event).next(ms, event);
  socket.pending = (event) => inbox(event).size;
  socket.ask = (...args) => within(3000, `acknowledgement of ${args[0]}`, acknowledged(socket, args));
  socket.connect();
  return socket;
}

function acknowledged(socket, args) {
  return new Promise((resolve) => socket.emit(...args, (...answer) => resolve(answer)));
}

/** A connected socket. Its first `connect` is already taken. */
export async function connect(server, options = {}, more = {}) {
  const socket = begin(server, options, more);
  const settled = new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  await within(3000, 'connect', settled);
  await socket.next('connect');
  return socket;
}

/** Resolves when the connection of the socket is a websocket. */
export function upgraded(socket) {
  const { engine } = socket.io;
  if (engine.transport.name === 'websocket') return Promise.resolve();
  return within(3000, 'upgrade', new Promise((resolve) => engine.once('upgrade', resolve)));
}
