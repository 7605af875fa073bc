import http from 'node:http';
import net from 'node:net';

import { disposable } from './suite.js';
import { within } from './wait.js';

/** Address of an Engine.IO request; `query` is added to `EIO=4`, and null removes a parameter. */
export function target(server, query = {}) {
  const params = Object.entries({ EIO: 4, transport: 'polling', ...query }).filter(([, value]) => value !== null);
  return `${server.path}?${new URLSearchParams(params)}`;
}

/**
 * One HTTP request on a connection of its own. Resolves to `{status, headers, body, text}`; has `abort()`.
 * `target` is sent as it is.
 */
export function request(server, target, { method = 'GET', headers = {}, body, ms = 3000 } = {}) {
  const pending = http.request({
    host: '127.0.0.1',
    port: server.port,
    path: target,
    method,
    agent: false,
    headers: body === undefined ? headers : { 'Content-Length': Buffer.byteLength(body), ...headers },
  });
  disposable({ dispose: () => pending.destroy() });
  const answer = new Promise((resolve, reject) => {
    pending.on('error', reject);
    pending.on('response', (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const bytes = Buffer.concat(chunks);
        resolve({ status: response.statusCode, headers: response.headers, body: bytes, text: bytes.toString() });
      });
    });
  });
  answer.catch(() => {});
  pending.end(body);
  const bounded = within(ms, `${method} ${target}`, answer);
  bounded.catch(() => {});
  return Object.assign(bounded, { abort: () => pending.destroy() });
}

/** An Engine.IO error as it stands in a JSON body. */
export function refusal(code) {
  const message = [
    'Transport unknown',
    'Session ID unknown',
    'Bad handshake method',
    'Bad request',
    'Forbidden',
    'Unsupported protocol version',
  ][code];
  return JSON.stringify({ code, message });
}

/** A bare TCP connection, for what no HTTP library would send. `received` grows; `ended` resolves at its end. */
export function tcp(server, text) {
  const socket = net.connect(server.port, '127.0.0.1');
  const wire = disposable({ socket, received: '', dispose: () => socket.destroy() });
  socket.setEncoding('latin1');
  socket.on('data', (data) => {
    wire.received += data;
  });
  socket.on('error', () => {});
  wire.ended = new Promise((resolve) => socket.once('close', () => resolve(wire.received)));
  if (text !== undefined) socket.write(text);
  return wire;
}
