import assert from 'node:assert/strict';

import { connect, eachWay } from '../support/client.js';
import { suite, test } from '../support/suite.js';

const AGAIN = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 50, randomizationFactor: 0 };

/** What the event `getUtf8` is answered with. */
const TEXTS = ['てすと', 'Я Б Г Д Ж Й', 'Ä ä Ü ü ß', 'utf8 — string', 'utf8 — string'];

suite('connection state recovery', { mode: 'client' }, (server) => {
  eachWay((way, options) => {
    test(`${way}: who comes back is who it was, and has missed nothing`, async () => {
      const socket = await connect(server, { ...options, ...AGAIN });
      const { id } = socket;
      socket.emit('getUtf8');
      socket.io.engine.close();
      await socket.next('connect');
      assert.equal(socket.id, id);
      assert.equal(socket.recovered, true);
      assert.deepEqual(await socket.ask('getId'), [id]);
      // An event that came right before the end of the connection is one that the client does not know of
      // yet: it asks for it again, and then has it twice, with the same offset.
      const events = new Map();
      while (socket.pending('takeUtf8')) {
        const [text, offset] = await socket.next('takeUtf8');
        events.set(offset, text);
      }
      assert.deepEqual([...events.values()], TEXTS);
    });

    test(`${way}: who left comes back as somebody new`, async () => {
      const socket = await connect(server, options);
      const { id } = socket;
      const closed = new Promise((resolve) => socket.io.engine.once('close', resolve));
      socket.disconnect();
      await closed;
      socket.connect();
      await socket.next('connect');
      assert.notEqual(socket.id, id);
      assert.equal(socket.recovered, false);
    });
  });
});
