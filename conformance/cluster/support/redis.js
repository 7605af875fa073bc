import { rm, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Server } from '../../js/support/server.js';

/** A Redis of the tests' own, that keeps nothing. REDIS_SERVER names the program. */
export class Redis {
  #folder = null;
  #server = null;

  constructor(options = {}) {
    this.options = options;
  }

  /** How nodes are told where it is. */
  get args() {
    return ['--redis', this.url];
  }

  get url() {
    return `redis://127.0.0.1:${this.#server.port}`;
  }

  async start() {
    this.#folder = await mkdtemp(path.join(tmpdir(), 'socketio-redis-'));
    const program = process.env.REDIS_SERVER ?? 'redis-server';
    const options = { bind: '127.0.0.1', dir: this.#folder, save: '', appendonly: 'no', ...this.options };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    this.#server = new Server({ command: () => [program, ...args] });
    await this.#server.start();
  }

  /** Ends it as a crash would. `restart` brings it back, empty, where it was. */
  kill() {
    return this.#server.kill();
  }

  restart() {
    return this.#server.start(this.#server.port);
  }

  async stop() {
    await this.#server?.stop();
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true });
  }
}
