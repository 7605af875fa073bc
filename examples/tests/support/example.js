import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const HOST = "127.0.0.1";
const CLIENT_FILES = fileURLToPath(new URL("../node_modules/socket.io-client/dist", import.meta.url));
const START = 8_000;
const STOP = 5_000;

/**
 * An example's server, by the name of its package, on a port of its own. `scheme` says what it speaks, `command`
 * how it is started if it is no binary of the workspace.
 */
export class Example {
  #child = null;

  constructor(name, port, options) {
    this.name = name;
    this.port = port;
    this.options = options;
  }

  /** Starts one, which ends with the test. */
  static async start(t, name, options = {}) {
    const example = new Example(name, await freePort(), { scheme: "http", env: {}, ...options });
    await example.start();
    t.after(() => example.stop());
    return example;
  }

  get url() {
    return `${this.options.scheme}://${HOST}:${this.port}`;
  }

  /** Starts it, or starts it again at the same port. */
  async start() {
    const [program, ...args] = this.options.command?.(this.port) ?? [binary(this.name)];
    const child = spawn(program, args, {
      env: { ...process.env, PORT: String(this.port), CLIENT_FILES, ...this.options.env },
      stdio: ["ignore", "ignore", "inherit"],
    });
    const end = () => child.kill("SIGKILL");
    process.once("exit", end);
    child.once("exit", () => process.off("exit", end));
    let failure;
    child.on("error", (error) => (failure = error));
    child.on("exit", (code) => (failure ??= new Error(`${this.name} ended with ${code}`)));

    const deadline = Date.now() + START;
    while (!failure && Date.now() < deadline) {
      if (await accepts(this.port)) {
        this.#child = child;
        return;
      }
      await sleep(30);
    }
    child.kill("SIGKILL");
    throw failure ?? new Error(`${this.name} does not listen`);
  }

  /** Ends it without a farewell, as a crash would. */
  async kill() {
    const child = this.#child;
    this.#child = null;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }

  /** Ends it as Ctrl-C would. It must go by itself. */
  async stop() {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGTERM");
    const ended = await Promise.race([exit, sleep(STOP, null, { ref: false })]);
    if (ended) return;
    child.kill("SIGKILL");
    await exit;
    throw new Error(`${this.name} did not stop within ${STOP} ms`);
  }
}

/** Calls `check` until it throws no more. */
export async function eventually(check, patience = START) {
  const deadline = Date.now() + patience;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await sleep(50);
  }
}

function binary(name) {
  assert.ok(process.env.EXAMPLES, "set EXAMPLES to the folder of the examples' binaries");
  return join(process.env.EXAMPLES, name);
}

export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function freePort() {
  const listener = createServer().listen(0, HOST);
  await once(listener, "listening");
  const { port } = listener.address();
  listener.close();
  await once(listener, "close");
  return port;
}

async function accepts(port) {
  const socket = connect(port, HOST);
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(1_000) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
