import assert from 'node:assert/strict';

import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { sleep } from '../support/wait.js';
import { Ws } from '../support/websocket.js';

suite('end of a polling session', {}, (server) => {
  async function endedWith(session, reason) {
    await session.assertGone();
    const witness = await Ws.connect(server);
    assert.equal(await witness.reasonOf(session.id), reason);
  }

  for (const junk of ['abc', '', '42["message",1]\x1e', '\x1e', '7', 'é']) {
    test(`an invalid packet ${JSON.stringify(junk)} is answered with ok, and the session is gone`, async () => {
      const session = await Polling.connect(server);
      const answer = await session.send(junk);
      assert.deepEqual([answer.status, answer.text], [200, 'ok']);
      await endedWith(session, 'parse error');
    });
  }

  test('what stands behind an invalid packet is not read', async () => {
    const listener = await Ws.connect(server);
    const session = await Polling.connect(server);
    await session.post('abc', '42["broadcast","behind"]');
    await listener.assertAlive();
    await endedWith(session, 'parse error');
  });

  test('a close packet of the client: the standing GET is answered with a noop', async () => {
    const session = await Polling.connect(server);
    const get = session.get();
    await sleep(100);
    await session.post('1');
    const { status, text } = await get;
    assert.deepEqual([status, text], [200, '6']);
    await endedWith(session, 'transport close');
  });

  test('a close packet of the client while no GET stands', async () => {
    const session = await Polling.connect(server);
    await session.post('1');
    await endedWith(session, 'transport close');
  });

  test('a heartbeat in the wrong direction', async () => {
    const session = await Polling.connect(server);
    await session.post('2');
    await endedWith(session, 'transport error');
  });

  test('closed by the server, the standing GET is answered with a close packet', async () => {
    const session = await Polling.open(server);
    const get = session.get();
    await sleep(100);
    await session.post('42["too","early"]');
    const { status, text } = await get;
    assert.deepEqual([status, text], [200, '1']);
    await session.assertGone();
  });

  test('closed by the server while no GET stands, the next one brings the close packet', async () => {
    const session = await Polling.open(server);
    await session.post('42["too","early"]');
    const { status, text } = await session.get();
    assert.equal(status, 200);
    assert.match(text, /^(6\x1e)?1$/);
    await session.assertGone();
  });

  test('what was queued arrives before the close packet', async () => {
    const session = await Polling.connect(server);
    await session.post('42["message",1]', '42["bye-all"]');
    const packets = await session.packets((all) => all.includes('1'));
    assert.deepEqual(packets, ['42["message-back",1]', '41', '1']);
    await endedWith(session, 'server namespace disconnect');
  });
});
