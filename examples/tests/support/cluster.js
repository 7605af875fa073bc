import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

import { Example, isExecutable } from "./example.js";

const EXAMPLES = fileURLToPath(new URL("../..", import.meta.url));

/** Debian has some of them where only root looks. */
const FOLDERS = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];

/** Options of a test that needs such programs: without one it is skipped, but not in CI. */
export function withPrograms(...names) {
  const missing = names.find((name) => !isExecutable(program(name)));
  return { skip: missing && !process.env.CI ? `no ${missing} found` : false, timeout: 90_000 };
}

/** Chats in Rust and on Node that are one by a Redis of their own. */
export class Cluster {
  /** Starts one of nodes with these names, which ends with the test, the last to start being the first to end. */
  static async start(test, names) {
    const ends = [];
    test.after(async () => {
      for (const end of ends) await end();
    });
    const cluster = new Cluster();
    cluster.t = { after: (end) => ends.unshift(end) };
    cluster.redis = await cluster.#startRedis();
    const nodes = names.map(async (name) => [name, await cluster.#startNode(name)]);
    cluster.nodes = Object.fromEntries(await Promise.all(nodes));
    return cluster;
  }

  #startRedis() {
    const options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", this.#folder()];
    const command = (port) => [program("redis-server"), "--port", String(port), ...options];
    return Example.start(this.t, "redis-server", { scheme: "redis", command });
  }

  #startNode(name) {
    const env = { REDIS_URL: this.redis.url };
    const command = () => [process.execPath, join(EXAMPLES, name, "index.js")];
    return Example.start(this.t, name, name === "node-chat" ? { env, command } : { env });
  }

  /** Starts a load balancer in front of these nodes. */
  startBalancer(name, names) {
    const ports = names.map((node) => this.nodes[node].port);
    return { balancer: startOurs, haproxy: startHaproxy, nginx: startNginx }[name](this.t, ports, () => this.#folder());
  }

  #folder() {
    const folder = mkdtempSync(join(tmpdir(), "cluster-"));
    this.t.after(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  }
}

function startOurs(t, ports) {
  return Example.start(t, "balancer", { env: { NODES: ports.map((port) => `127.0.0.1:${port}`).join(",") } });
}

function startHaproxy(t, ports, folder) {
  const file = join(folder(), "haproxy.cfg");
  const command = (port) => {
    writeFileSync(file, configuration("haproxy.cfg", port, ports));
    return [program("haproxy"), "-q", "-db", "-f", file];
  };
  return Example.start(t, "haproxy", { command });
}

/** In the block of the file that Debian's nginx has for such ones. */
function startNginx(t, ports, folder) {
  const prefix = folder();
  const main = `
    daemon off; pid nginx.pid; error_log stderr crit;
    events { worker_connections 1024; }
    http {
      access_log off;
      client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
      scgi_temp_path scgi;
      include site.conf;
    }`;
  const command = (port) => {
    writeFileSync(join(prefix, "nginx.conf"), main);
    writeFileSync(join(prefix, "site.conf"), configuration("nginx.conf", port, ports));
    return [program("nginx"), "-p", prefix, "-c", join(prefix, "nginx.conf")];
  };
  return Example.start(t, "nginx", { command });
}

/** A file beside the balancer, with these ports in place of its own. */
function configuration(name, port, ports) {
  const text = readFileSync(join(EXAMPLES, "balancer", name), "utf8");
  return text.replaceAll(/127\.0\.0\.1:300(\d)/g, (_, digit) => `127.0.0.1:${digit === "0" ? port : ports[digit - 1]}`);
}

/** The path of a program, or its name where there is none. */
function program(name) {
  return FOLDERS.map((folder) => join(folder, name)).find(isExecutable) ?? name;
}
