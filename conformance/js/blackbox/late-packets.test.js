import assert from 'node:assert/strict';

import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { Ws } from '../support/websocket.js';

const LATE = {
  'an event': ['42/custom,["message","late"]'],
  'an event to be acknowledged': ['42/custom,5["message-with-ack","late"]'],
  'an acknowledgement': ['43/custom,0["late"]'],
  'a DISCONNECT': ['41/custom,'],
  'an event with an attachment': ['451-/custom,["message",{"_placeholder":true,"num":0}]', Buffer.from([1])],
  'many events': Array.from({ length: 50 }, (_, number) => `42/custom,["message",${number}]`),
};

suite('packets for a namespace that the server just left are ignored (Node closes the connection)', {}, (server) => {
  for (const [what, packets] of Object.entries(LATE)) {
    test(`${what} already under way`, async () => {
      const ws = await Ws.connect(server);
      await ws.join('/custom');
      ws.send('42/custom,["bye"]', ...packets);
      await ws.expect('41/custom,');
      await ws.assertAlive();
    });

    test(`${what} after the farewell has arrived`, async () => {
      const ws = await Ws.connect(server);
      await ws.join('/custom');
      ws.send('42/custom,["bye"]');
      await ws.expect('41/custom,');
      ws.send(...packets);
      await ws.assertAlive();
    });
  }

  test('polling: in the same body as the event that leads to it', async () => {
    const session = await Polling.connect(server);
    await session.post('40/custom');
    await session.packets((all) => all.length >= 2);
    await session.post('42/custom,["bye"]', '42/custom,["message","late"]');
    assert.equal(await session.packet(), '41/custom,');
    await session.assertAlive();
  });

  test('the namespace can be joined again afterwards', async () => {
    const ws = await Ws.connect(server);
    const id = await ws.join('/custom');
    ws.send('42/custom,["bye"]', '42/custom,["message","late"]');
    await ws.expect('41/custom,');
    assert.notEqual(await ws.join('/custom'), id);
    ws.send('42/custom,["message",1]');
    await ws.expect('42/custom,["message-back",1]');
  });

  test('an event that came before the farewell was handled', async () => {
    const ws = await Ws.connect(server);
    await ws.join('/custom');
    ws.send('42/custom,["message",1]', '42/custom,["bye"]', '42/custom,["message",2]');
    await ws.expect('42/custom,["message-back",1]', '41/custom,');
    await ws.assertAlive();
  });
});
