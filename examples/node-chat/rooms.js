// The rooms as plain data: they know no sockets.

const ROOMS = ["general", "random", "rust"];
const HISTORY = 100;
const MESSAGE_CHARS = 2000;
const NICKNAME_CHARS = 24;

/** Why something is not done: its message is for the client. */
export class Refusal extends Error {}

export class Room {
  /** In the order of their times, and of their ids: it is the same on all nodes. */
  history = [];
  /** On all nodes, sorted. Who is here twice is listed twice. */
  online = [];
  #posted = 0;
  #census = 0;
  #censuses = 0;

  constructor(name) {
    this.name = name;
  }

  /** Adds a message to the history, which forgets the oldest. */
  post(socketId, nickname, text, time) {
    if (!text.trim()) throw new Refusal("a message needs some text");
    if ([...text].length > MESSAGE_CHARS) {
      throw new Refusal(`a message has at most ${MESSAGE_CHARS} characters`);
    }
    const message = { id: `${socketId}-${++this.#posted}`, room: this.name, nickname, text, time };
    this.keep(message);
    return message;
  }

  /** Adds a message to the history, unless it is there. */
  keep(message) {
    if (this.history.some(({ id }) => id === message.id)) return;
    this.history.push(message);
    this.history.sort((one, other) => one.time - other.time || (one.id < other.id ? -1 : 1));
    if (this.history.length > HISTORY) this.history.shift();
  }

  /** Finds out who is here. That takes a while, and one that begins later may know earlier. */
  async count(find) {
    const number = ++this.#censuses;
    const online = await find();
    if (number < this.#census) return;
    this.#census = number;
    this.online = online.sort();
  }
}

export class Rooms {
  #rooms = new Map(ROOMS.map((name) => [name, new Room(name)]));

  /** A room, if there is one of this name. */
  get(name) {
    return this.#rooms.get(name);
  }

  /** Adds a message that was posted on another node. */
  keep(message) {
    this.get(message.room)?.keep(message);
  }

  /** All messages of all rooms. */
  history() {
    return [...this.#rooms.values()].flatMap((room) => room.history);
  }
}

/** The nickname that a client asks for, without the space around it. */
export function checkedNickname(asked) {
  const nickname = asked.trim();
  if (!nickname) throw new Refusal("a nickname is needed");
  if ([...nickname].length > NICKNAME_CHARS) {
    throw new Refusal(`a nickname has at most ${NICKNAME_CHARS} characters`);
  }
  return nickname;
}
