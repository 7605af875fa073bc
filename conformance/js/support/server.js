import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import net from 'node:net';

import { sleep, within } from './wait.js';

const START_MS = 10_000;
const STOP_MS = 3_000;

/**
 * The server binary named by CONFORMANCE_SERVER, in one mode, on a port of 127.0.0.1; or another program: `command`
 * gives it and its arguments, without the `--port`.
 */
export class Server {
  #child = null;
  #complaints = '';

  constructor({ mode = 'fixture', env = {}, command } = {}) {
    this.mode = mode;
    this.env = env;
    this.command = command;
    this.port = null;
  }

  get origin() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Where the protocol of this mode is served. */
  get path() {
    return this.mode.startsWith('eio') ? '/engine.io/' : '/socket.io/';
  }

  /** The last of what the server wrote to its standard error. */
  get complaints() {
    return this.#complaints;
  }

  /** The most memory that the server ever held, in bytes. Only Linux tells; elsewhere null. */
  async memory() {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8').catch(() => '');
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(status);
    return peak && Number(peak[1]) * 1024;
  }

  /** Starts on `port`, or on a free one. Another process may take a free port first: then it tries again. */
  async start(port = null) {
    for (let attempt = 1; ; attempt += 1) {
      this.port = port ?? (await freePort());
      this.#spawn();
      try {
        return await this.#accepting();
      } catch (error) {
        await this.stop();
        if (port !== null || attempt === 3) throw error;
      }
    }
  }

  /** SIGTERM, and SIGKILL 3 s later. Gives the milliseconds it took, or null if it had to be killed. */
  async stop() {
    const child = this.#child;
    this.#child = null;
    if (!child || ended(child)) return 0;
    const from = Date.now();
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    try {
      await within(STOP_MS, 'end of the server', exit);
      return Date.now() - from;
    } catch {
      child.kill('SIGKILL');
      await exit;
      return null;
    }
  }

  /** Ends it without a farewell, as a crash would. */
  async kill() {
    const child = this.#child;
    this.#child = null;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  /** Sends it a signal, such as SIGSTOP. */
  signal(name) {
    this.#child.kill(name);
  }

  #spawn() {
    const [program, ...args] = this.command?.() ?? [binary(), '--mode', this.mode];
    const child = spawn(program, [...args, '--port', String(this.port)], {
      env: { ...process.env, ...this.env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const end = () => child.kill('SIGKILL');
    process.once('exit', end);
    child.once('exit', () => process.off('exit', end));
    child.on('error', (error) => this.#complain(`${error}\n`));
    child.stderr.on('data', (text) => this.#complain(text));
    this.#child = child;
  }

  #complain(text) {
    this.#complaints = (this.#complaints + text).slice(-8000);
  }

  async #accepting() {
    const end = Date.now() + START_MS;
    while (Date.now() < end) {
      if (ended(this.#child)) break;
      if (await accepts(this.port)) return this;
      await sleep(20);
    }
    throw new Error(`the server does not listen on ${this.port}\n${this.#complaints}`);
  }
}

function binary() {
  const path = process.env.CONFORMANCE_SERVER;
  if (!path) throw new Error('CONFORMANCE_SERVER must hold the absolute path of the server binary');
  return path;
}

function ended(child) {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

export async function freePort() {
  const listener = net.createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  await once(listener, 'close');
  return port;
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const done = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => done(false));
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}
