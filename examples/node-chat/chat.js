// The events of clients, and what the nodes tell each other. ../chat/src/lib.rs and ../chat/src/nodes.rs say what
// these are.

import { checkedNickname, Refusal, Rooms } from "./rooms.js";

/** Registers the chat. `node` is what its clients are told of who serves them. */
export function attach(io, node) {
  const rooms = new Rooms();
  let knowsPast = false;

  io.on("connection", (socket) => {
    socket.on("join", answer(async ({ nickname: asked, room: name }) => {
      const room = rooms.get(name);
      if (!room) throw new Refusal("there is no such room");
      const nickname = checkedNickname(asked);
      await leave(socket);
      const member = (socket.data = { nickname, room: name });
      socket.join(name);
      await learnHistory();
      await count(room);
      // It may have left meanwhile.
      if (socket.data !== member) throw new Refusal("join a room first");
      const { history, online } = room;
      io.serverSideEmit("joined", { nickname, room: name });
      socket.to(name).local.emit("joined", { nickname, online });
      return { node, nickname, room: name, history, online };
    }));

    socket.on("message", answer((text) => {
      const { nickname, room } = socket.data;
      if (!room) throw new Refusal("join a room first");
      const message = rooms.get(room).post(socket.id, nickname, text, Date.now());
      io.serverSideEmit("posted", message);
      socket.to(room).emit("message", message);
      return { message };
    }));

    socket.on("typing", (typing) => {
      const { nickname, room } = socket.data;
      if (room) socket.to(room).volatile.emit("typing", { nickname, typing: Boolean(typing) });
    });

    socket.on("disconnect", () => leave(socket));
  });

  io.on("joined", (change) => tell("joined", change));
  io.on("left", (change) => tell("left", change));
  io.on("posted", (message) => rooms.keep(message));
  io.on("history", (answer) => answer(rooms.history()));

  /** Takes the socket out of its room, if it is in one, and tells the others. */
  async function leave(socket) {
    const change = socket.data;
    if (!change.room) return;
    socket.data = {};
    socket.leave(change.room);
    io.serverSideEmit("left", change);
    await tell("left", change);
  }

  /** Tells the members of a room on this node, once it is known who is there on all. */
  async function tell(event, { nickname, room: name }) {
    const room = rooms.get(name);
    if (!room) return;
    await count(room);
    io.local.to(name).emit(event, { nickname, online: room.online });
  }

  /** Finds out from all nodes who is in a room. */
  function count(room) {
    return room.count(async () => {
      let sockets;
      try {
        sockets = await io.in(room.name).fetchSockets();
      } catch {
        // Without the answer of one node the others' are lost as well.
        sockets = await io.local.in(room.name).fetchSockets();
      }
      return sockets.map((socket) => socket.data.nickname);
    });
  }

  /** Asks the other nodes what was written before this one began, until one has answered. */
  async function learnHistory() {
    if (knowsPast) return;
    let histories;
    try {
      histories = await io.serverSideEmitWithAck("history");
    } catch (error) {
      histories = error.responses ?? [];
    }
    if (histories.length === 0) return;
    histories.flat().forEach((message) => rooms.keep(message));
    knowsPast = true;
  }
}

/** Acknowledges with what the handler returns, or with why it refuses. */
function answer(handler) {
  return async (data, acknowledge) => {
    if (typeof acknowledge !== "function") return;
    try {
      acknowledge({ ok: true, ...(await handler(data)) });
    } catch (error) {
      if (!(error instanceof Refusal)) console.error(error);
      acknowledge({ ok: false, error: error instanceof Refusal ? error.message : "something went wrong" });
    }
  };
}
