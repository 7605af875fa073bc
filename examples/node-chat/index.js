// The chat of ../chat on Node: the same page, the same events, and with REDIS_URL a node among those in Rust.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

import { attach } from "./chat.js";

const HOST = "127.0.0.1";
const PORT = Number(process.env.PORT ?? 3000);
// Milliseconds that other nodes are waited for. Without their answers a list is only shorter.
const PATIENCE = 2_000;

const PAGE = {
  "/": ["text/html", "../chat/page/index.html"],
  "/chat.js": ["text/javascript", "../chat/page/chat.js"],
  "/style.css": ["text/css", "../chat/page/style.css"],
  "/base.css": ["text/css", "../common/page/base.css"],
};

const server = createServer((request, response) => {
  const page = PAGE[request.url.split("?", 1)[0]];
  if (!page) return response.writeHead(404).end();
  const [type, file] = page;
  response.writeHead(200, { "content-type": `${type}; charset=utf-8` });
  response.end(readFileSync(new URL(file, import.meta.url)));
});

const clients = process.env.REDIS_URL ? await connect(process.env.REDIS_URL) : [];
const io = new Server(server, clients.length ? { adapter: createAdapter(...clients, { requestsTimeout: PATIENCE }) } : {});
attach(io, "node-chat");

server.listen(PORT, HOST, () => console.log(`The chat is at http://${HOST}:${PORT}`));

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    await io.close();
    clients.forEach((client) => client.destroy());
    process.exit();
  });
}

/** One connection to publish, and one that subscribes. */
async function connect(url) {
  const publishing = createClient({ url });
  const subscribing = publishing.duplicate();
  const all = [publishing, subscribing];
  for (const client of all) client.on("error", (error) => console.error(`Redis: ${error.message}`));
  await Promise.all(all.map((client) => client.connect()));
  return all;
}
