import assert from "node:assert/strict";
import { io } from "socket.io-client";

import { eventually } from "./example.js";

const PATIENCE = 8_000;

/** Someone in a room of the chat, who goes there again after each interruption. */
export class Person {
  static #count = 0;

  /** Whom the server says to be here. */
  online = [];
  /** What is written here, from the first message on. */
  texts = [];
  /** The server that it is on, if any. */
  node = null;
  interruptions = 0;

  constructor(url, options) {
    this.nickname = `Person ${(Person.#count += 1)}`;
    this.socket = io(url, { forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 200, ...options });
    this.socket.on("connect", () => this.#join());
    this.socket.on("disconnect", () => {
      this.node = null;
      this.interruptions += 1;
    });
    this.socket.on("message", ({ text }) => this.texts.push(text));
    for (const event of ["joined", "left"]) this.socket.on(event, ({ online }) => (this.online = online));
  }

  /** Resolves once they are in. */
  static async enter(t, url, options) {
    const person = new Person(url, options);
    t.after(() => person.socket.disconnect());
    await eventually(() => assert.ok(person.node, `${person.nickname} is nowhere`));
    return person;
  }

  /** With a callback, which has run when the event behind the answer comes; `await` goes on later. */
  #join() {
    const { nickname } = this;
    this.socket.emit("join", { nickname, room: "general" }, ({ node, history, online }) => {
      this.texts = history.map(({ text }) => text);
      this.online = online;
      this.node = node;
    });
  }

  async says(text) {
    const { ok, error } = await this.socket.timeout(PATIENCE).emitWithAck("message", text);
    assert.ok(ok, error);
    this.texts.push(text);
  }
}

let said = 0;

/** Each says something, and all hear it, once. */
export async function talk(people) {
  const texts = people.map(({ nickname, node }) => `${nickname} is on ${node}, ${(said += 1)}`);
  await Promise.all(people.map((person, index) => person.says(texts[index])));
  await eventually(() => {
    for (const { texts: heard } of people) assert.deepEqual(heard.slice(-texts.length).sort(), [...texts].sort());
  });
}

export function leave(people) {
  for (const { socket } of people) socket.disconnect();
}
