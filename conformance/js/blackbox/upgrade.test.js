import assert from 'node:assert/strict';

import { refusal } from '../support/http.js';
import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { sleep } from '../support/wait.js';
import { Ws } from '../support/websocket.js';

suite('upgrade', {}, (server) => {
  async function probed(session) {
    const ws = await Ws.open(server, { query: { sid: session.sid } });
    ws.send('2probe');
    await ws.expect('3probe');
    return ws;
  }

  test('the probe is answered, and a standing GET is freed with a noop', async () => {
    const session = await Polling.connect(server);
    const get = session.get();
    await sleep(50);
    await probed(session);
    const from = Date.now();
    assert.equal((await get).text, '6');
    assert.ok(Date.now() - from < 500);
  });

  test('a GET that comes later, during the upgrade, is freed too', async () => {
    const session = await Polling.connect(server);
    await probed(session);
    for (let round = 0; round < 3; round += 1) {
      const from = Date.now();
      assert.equal((await session.get()).text, '6');
      assert.ok(Date.now() - from < 500);
    }
  });

  test('until the client says 5, traffic goes by polling', async () => {
    const session = await Polling.connect(server);
    const ws = await probed(session);
    await session.assertAlive();
    assert.equal(ws.inbox.size, 0);
    await session.post('421["whoami"]');
    const answer = await session.packet();
    assert.equal(JSON.parse(answer.slice('431'.length))[0].transport, 'polling');
  });

  test('after 5, traffic goes by websocket', async () => {
    const session = await Polling.connect(server);
    const ws = await probed(session);
    ws.send('5');
    await ws.assertAlive();
    ws.send('421["whoami"]');
    const [me] = JSON.parse((await ws.next()).slice('431'.length));
    assert.equal(me.transport, 'websocket');
    assert.equal(me.id, session.id);
  });

  test('what was queued for polling arrives by websocket, in order, once', async () => {
    const session = await Polling.connect(server);
    const ws = await probed(session);
    await session.post('42["message",1]', '451-["message",{"_placeholder":true,"num":0}]', 'bAQID');
    ws.send('5', '42["message",2]');
    await ws.expect('42["message-back",1]');
    await ws.expect('451-["message-back",{"_placeholder":true,"num":0}]', Buffer.from([1, 2, 3]));
    await ws.expect('42["message-back",2]');
    await ws.assertAlive();
  });

  test('a GET that still stands at 5 is answered', async () => {
    const session = await Polling.connect(server);
    const ws = await probed(session);
    const get = session.get();
    await sleep(20);
    ws.send('5');
    const { status, text } = await get;
    assert.equal(status, 200);
    assert.match(text, /^[16]$/);
    await ws.assertAlive();
  });

  test('afterwards polling is a transport mismatch, and the websocket is unharmed', async () => {
    const session = await Polling.connect(server);
    const ws = await probed(session);
    ws.send('5');
    await ws.assertAlive();
    for (const answer of [await session.get(), await session.send('42["message",1]')]) {
      assert.deepEqual([answer.status, answer.text], [400, refusal(3)]);
    }
    await ws.assertAlive();
  });

  test('heartbeats go on by websocket', async () => {
    const session = await Polling.connect(server);
    const ws = await Ws.open(server, { query: { sid: session.sid }, pings: 'show' });
    ws.send('2probe', '5');
    await ws.expect('3probe');
    assert.equal(await ws.next(2500), '2');
    ws.send('3');
    assert.equal(await ws.next(2500), '2');
  });

  test('the end of the upgraded websocket is the end of the session', async () => {
    const session = await Polling.connect(server);
    const ws = await probed(session);
    ws.send('5');
    await ws.assertAlive();
    ws.socket.close();
    await ws.closed();
    const witness = await Ws.connect(server);
    assert.equal(await witness.reasonOf(session.id), 'transport close');
  });

  test('a session that ends during the upgrade takes the websocket with it', async () => {
    const session = await Polling.connect(server);
    const ws = await probed(session);
    await session.post('1');
    await ws.closed();
    await session.assertGone();
  });
});
