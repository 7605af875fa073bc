#!/usr/bin/env node
// The load fixture on Node's own socket.io, with ws as its engine and all options at their defaults.
//
// Environment: PORT on 127.0.0.1.

import { createServer } from "node:http";
import process from "node:process";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http);

io.on("connection", (socket) => {
  socket.emit("auth", socket.handshake.auth);
  socket.on("message", (...args) => socket.emit("message-back", ...args));
  socket.on("message-with-ack", (...args) => {
    const ack = args.pop();
    ack(...args);
  });
  socket.on("broadcast", (data) => io.emit("broadcast", data));
  socket.on("join", (room, ack) => {
    socket.join(room);
    ack();
  });
  socket.on("room-emit", (room, data) => io.to(room).emit("room-emit", data));
});

process.on("SIGTERM", () => process.exit());
http.listen(Number(process.env.PORT), "127.0.0.1");
