import assert from 'node:assert/strict';

import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { sleep } from '../support/wait.js';
import { Ws } from '../support/websocket.js';

suite('volatile', {}, (server) => {
  test('polling: dropped while no GET stands, never delayed', async () => {
    const session = await Polling.connect(server);
    const sender = await Ws.connect(server);
    sender.send('42["broadcast-volatile","stale"]');
    await sender.assertAlive();
    await session.post('42["message",1]');
    assert.equal(await session.packet(), '42["message-back",1]');
    await session.assertAlive();
  });

  test('polling: delivered by the GET that stands', async () => {
    const session = await Polling.connect(server);
    const sender = await Ws.connect(server);
    const get = session.get();
    await sleep(100);
    sender.send('42["broadcast-volatile","fresh"]');
    assert.equal((await get).text, '42["volatile-msg","fresh"]');
  });

  test('polling: an attachment is dropped together with its packet', async () => {
    const session = await Polling.connect(server);
    const sender = await Ws.connect(server);
    sender.send('451-["broadcast-volatile",{"_placeholder":true,"num":0}]', Buffer.from([1]));
    await sender.assertAlive();
    await session.assertAlive();
  });

  test('websocket: a burst arrives whole at a client that can take it (Node may drop all but the first)', async () => {
    const ws = await Ws.connect(server);
    const numbers = [1, 2, 3, 4, 5];
    ws.send(...numbers.map((number) => `42["volatile",${number}]`));
    await ws.expect(...numbers.map((number) => `42["volatile-msg",${number}]`));
  });
});
