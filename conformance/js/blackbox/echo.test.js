import assert from 'node:assert/strict';
import { once } from 'node:events';

import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { within } from '../support/wait.js';
import { Ws } from '../support/websocket.js';

const TEXTS = ['4hello', '4', '4é てすと 👩‍👧', '4\u0000\u2028"\\', '42["not","looked","into"]'];

suite('Engine.IO alone', { mode: 'eio4' }, (server) => {
  for (const text of TEXTS) {
    test(`websocket: ${JSON.stringify(text)}`, async () => {
      const ws = await Ws.open(server);
      ws.send(text);
      await ws.expect(text);
    });

    test(`polling: ${JSON.stringify(text)}`, async () => {
      const session = await Polling.open(server);
      await session.post(text);
      assert.equal(await session.packet(), text);
    });
  }

  for (const bytes of [Buffer.from([1, 2, 3, 4]), Buffer.from([0]), Buffer.alloc(1000, 0x62)]) {
    test(`websocket: ${bytes.length} bytes`, async () => {
      const ws = await Ws.open(server);
      ws.send(bytes);
      await ws.expect(bytes);
    });

    test(`polling: ${bytes.length} bytes`, async () => {
      const session = await Polling.open(server);
      const packet = `b${bytes.toString('base64')}`;
      await session.post(packet);
      assert.equal(await session.packet(), packet);
    });
  }

  test('polling: no bytes at all', async () => {
    const session = await Polling.open(server);
    await session.post('b', '4after');
    assert.deepEqual(await session.packets((all) => all.includes('4after')), ['b', '4after']);
  });

  test('polling: text and binary keep their order', async () => {
    const session = await Polling.open(server);
    const packets = ['4a', 'bAQ==', '4b', 'bAgM=', '4c'];
    await session.post(...packets);
    assert.deepEqual(await session.packets((all) => all.length >= packets.length), packets);
  });

  test('websocket: a message in fragments is one message', async () => {
    const ws = await Ws.open(server);
    ws.socket.send('4he', { fin: false });
    ws.socket.send('llo', { fin: true });
    await ws.expect('4hello');
  });

  test('websocket: a protocol ping is answered', async () => {
    const ws = await Ws.open(server);
    ws.socket.ping('é');
    const [data] = await within(1000, 'pong', once(ws.socket, 'pong'));
    assert.equal(data.toString(), 'é');
  });

  test('a noop of the client is ignored', async () => {
    const session = await Polling.open(server);
    await session.post('6', '4after');
    assert.equal(await session.packet(), '4after');
  });
});
