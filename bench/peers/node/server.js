#!/usr/bin/env node
// The load fixture on Node's own socket.io, with ws as its engine and all options at their defaults.
//
// Environment: PORT on 127.0.0.1; REDIS, the URL of a server that takes broadcasts to other nodes;
// ADAPTER, which of the adapters does so: classic, sharded or streams.

import { createServer } from "node:http";
import process from "node:process";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const { ADAPTER, PORT, REDIS } = process.env;

const http = createServer();
const io = new Server(http, REDIS ? { adapter: await adapter() } : {});

io.on("connection", (socket) => {
  socket.emit("auth", socket.handshake.auth);
  socket.on("message", (...args) => socket.emit("message-back", ...args));
  socket.on("message-with-ack", (...args) => {
    const ack = args.pop();
    ack(...args);
  });
  socket.on("broadcast", (data) => io.emit("broadcast", data));
  socket.on("join", async (room, ack) => {
    await socket.join(room);
    ack();
  });
  socket.on("room-emit", (room, data) => io.to(room).emit("room-emit", data));
});

async function adapter() {
  const publisher = createClient({ url: REDIS });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  switch (ADAPTER) {
    case "sharded":
      return createShardedAdapter(publisher, subscriber);
    case "streams":
      return createStreamsAdapter(publisher);
    default:
      return createAdapter(publisher, subscriber);
  }
}

process.on("SIGTERM", () => process.exit());
http.listen(Number(PORT), "127.0.0.1");
