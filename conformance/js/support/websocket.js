import assert from 'node:assert/strict';

import WebSocket from 'ws';

import { target } from './http.js';
import { disposable } from './suite.js';
import { Inbox, within } from './wait.js';

/**
 * A websocket at the level of Engine.IO packets. Text arrives as a string, binary as a Buffer.
 * Pings are answered and hidden unless `pings: 'show'`.
 */
export class Ws {
  constructor(server, { query = {}, pings = 'answer', headers = {} } = {}) {
    this.server = server;
    this.inbox = new Inbox();
    const address = `ws://127.0.0.1:${server.port}${target(server, { transport: 'websocket', ...query })}`;
    this.socket = disposable(Object.assign(new WebSocket(address, { perMessageDeflate: false, headers }), {
      dispose: () => this.socket.terminate(),
    }));
    this.socket.on('message', (data, isBinary) => {
      const packet = isBinary ? data : data.toString();
      if (packet === '2' && pings === 'answer') this.socket.send('3');
      else this.inbox.push(packet);
    });
    this.opened = new Promise((resolve, reject) => {
      this.socket.once('open', () => resolve(this));
      this.socket.once('error', reject);
    });
    this.opened.catch(() => {});
    this.socket.on('error', () => {});
    this.ending = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => {
        this.inbox.end(new Error(`websocket closed with ${code} ${reason}`));
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  /** Shakes hands. The Engine.IO handshake, if the session is new, is then in `opening`. */
  static async open(server, options = {}) {
    const ws = new Ws(server, options);
    await within(3000, 'websocket handshake', ws.opened);
    if (!options.query?.sid) {
      ws.opening = JSON.parse((await ws.next()).slice(1));
      ws.sid = ws.opening.sid;
    }
    return ws;
  }

  /** Opens a session and joins `/`. Gives the websocket; `id` is the socket id. */
  static async connect(server, options = {}) {
    const ws = await Ws.open(server, options);
    ws.id = await ws.join();
    return ws;
  }

  /** Joins a namespace. Gives the socket id. */
  async join(name = '/') {
    const prefix = name === '/' ? '' : `${name},`;
    this.send(`40${prefix}`);
    const answer = await this.next();
    assert.ok(answer.startsWith(`40${prefix}{`), answer);
    const hello = await this.next();
    assert.ok(hello.startsWith(`42${prefix}["auth"`), hello);
    return JSON.parse(answer.slice(2 + prefix.length)).sid;
  }

  send(...packets) {
    for (const packet of packets) this.socket.send(packet);
  }

  next(ms = 2000) {
    return this.inbox.next(ms, 'next packet');
  }

  async expect(...packets) {
    for (const packet of packets) assert.deepEqual(await this.next(), packet);
  }

  /** The end of the websocket: `{code, reason}`. */
  closed(ms = 2000) {
    return within(ms, 'close of the websocket', this.ending);
  }

  /** The connected session still carries an event there and back. */
  async assertAlive() {
    const token = `alive-${Math.random()}`;
    this.send(`42${JSON.stringify(['message', token])}`);
    await this.expect(`42${JSON.stringify(['message-back', token])}`);
  }

  /** Why the socket of that id ended. */
  async reasonOf(id) {
    this.send(`42999${JSON.stringify(['reason-of', id])}`);
    const answer = await this.next();
    assert.ok(answer.startsWith('43999'), answer);
    return JSON.parse(answer.slice(5))[0];
  }
}

/** The status and body with which a websocket handshake is refused, or 101. */
export function handshakeStatus(ws) {
  const answer = new Promise((resolve) => {
    ws.socket.once('open', () => resolve({ status: 101 }));
    ws.socket.once('unexpected-response', (_, response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() });
      });
    });
  });
  return within(3000, 'answer to the websocket handshake', answer);
}
