// Compiled, never run: what the official client makes of the declarations in events.ts. Where an
// error is expected, there being none is one.

import { io, type Socket } from "socket.io-client";

import type {
  ClientToServerEvents,
  Colour,
  Receipt,
  ServerToClientEvents,
  User,
} from "./events";

const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io();

// --- what the server sends ----------------------------------------------------------------

socket.on("welcome", (name) => name.toUpperCase());
socket.on("userJoined", ({ user, online }) => {
  const colour: Colour | null = user.colour;
  return [user.nickname.length, colour === "blue", online + 1];
});
socket.on("drawn", (id, points) => new Uint8Array(points, 0, id));
socket.on("bye", () => {});
socket.on("question", (text, ack) => ack({ text: text.trim() }));
socket.on("are you there?", (ack) => ack());

// @ts-expect-error: no such event
socket.on("welcom", () => {});
// @ts-expect-error: the name is a string
socket.on("welcome", (name: number) => name);
// @ts-expect-error: it is one argument
socket.on("welcome", (name, surname) => [name, surname]);
// @ts-expect-error: no such field
socket.on("userJoined", ({ users }) => users);
// @ts-expect-error: no such colour
socket.on("userJoined", ({ user }) => user.colour === "green");
// @ts-expect-error: it has no acknowledgement
socket.on("bye", (ack) => ack());
// @ts-expect-error: the answer is an object
socket.on("question", (text, ack) => ack(text));
// @ts-expect-error: the answer has a text
socket.on("question", (text, ack) => ack({}));
// @ts-expect-error: nothing is the answer
socket.on("are you there?", (ack) => ack("yes"));

// --- what the client sends ----------------------------------------------------------------

socket.emit("typing", true);
socket.emit("message", { room: "news", text: "hi" }, (receipt) => receipt.id + 1);
socket.emit("upload", "a.jpg", new Uint8Array(3), (name, length) => name.padEnd(length));
socket.emit("upload", "a.jpg", new Blob([]), () => {});
socket.emit("list", (users) => users.map((user) => user.nickname));

export async function ask() {
  const receipt: Receipt = await socket.emitWithAck("message", { room: "news", text: "hi" });
  const users: User[] = await socket.timeout(1000).emitWithAck("list");
  // The client keeps the first of several.
  const name: string = await socket.emitWithAck("upload", "a.jpg", new ArrayBuffer(3));
  return [receipt.id, users, name];
}

// @ts-expect-error: no such event
socket.emit("typping", true);
// @ts-expect-error: that is what the server sends
socket.emit("welcome", "Ada");
// @ts-expect-error: it is a boolean
socket.emit("typing", "yes");
// @ts-expect-error: it has no acknowledgement
socket.emit("typing", true, () => {});
// @ts-expect-error: the text is missing
socket.emit("message", { room: "news" }, () => {});
// @ts-expect-error: the acknowledgement is missing
socket.emit("message", { room: "news", text: "hi" });
// @ts-expect-error: the receipt is an object
socket.emit("message", { room: "news", text: "hi" }, (receipt: number) => receipt);
// @ts-expect-error: the second argument is missing
socket.emit("upload", "a.jpg", () => {});
// @ts-expect-error: bytes, not their numbers
socket.emit("upload", "a.jpg", [1, 2, 3], () => {});

export async function askWrongly() {
  // @ts-expect-error: the receipt is an object
  const receipt: string = await socket.emitWithAck("message", { room: "news", text: "hi" });
  return receipt;
}
