import assert from 'node:assert/strict';

import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { Inbox, within } from '../support/wait.js';
import { handshakeStatus, Ws } from '../support/websocket.js';

suite('second upgrade', {}, (server) => {
  /** Refused before the 101, or closed behind it without an answer. */
  async function refused(sid) {
    const ws = new Ws(server, { query: { sid } });
    const { status } = await handshakeStatus(ws);
    if (status === 400) return;
    assert.equal(status, 101);
    if (ws.socket.readyState === ws.socket.OPEN) ws.send('2probe');
    await ws.closed();
    assert.equal(ws.inbox.size, 0);
  }

  test('while the first has not probed yet', async () => {
    const session = await Polling.connect(server);
    const first = await Ws.open(server, { query: { sid: session.sid } });
    await refused(session.sid);
    first.send('2probe', '5');
    await first.expect('3probe');
    await first.assertAlive();
  });

  test('while the first has probed', async () => {
    const session = await Polling.connect(server);
    const first = await Ws.open(server, { query: { sid: session.sid } });
    first.send('2probe');
    await first.expect('3probe');
    await refused(session.sid);
    await session.assertAlive();
    first.send('5');
    await first.assertAlive();
  });

  test('after the first is through', async () => {
    const session = await Polling.connect(server);
    const first = await Ws.open(server, { query: { sid: session.sid } });
    first.send('2probe', '5');
    await first.expect('3probe');
    await first.assertAlive();
    await refused(session.sid);
    await first.assertAlive();
  });

  test('for a session that began with a websocket (Node lets it probe)', async () => {
    const first = await Ws.connect(server);
    await refused(first.sid);
    await first.assertAlive();
  });

  test('of ten at once one gets through, and the session lives', async () => {
    const session = await Polling.connect(server);
    const answers = new Inbox();
    const all = Array.from({ length: 10 }, () => new Ws(server, { query: { sid: session.sid } }));
    for (const ws of all) {
      ws.opened.then(() => ws.send('2probe'), () => {});
      ws.next(3000).then((packet) => answers.push([ws, packet]), () => answers.push(null));
    }
    const heard = [];
    while (heard.length < 10) heard.push(await answers.next(4000));
    const through = heard.filter(Boolean);
    assert.equal(through.length, 1);
    const [[ws, packet]] = through;
    assert.equal(packet, '3probe');
    ws.send('5');
    await ws.assertAlive();
    const endings = all.filter((other) => other !== ws).map((other) => other.ending);
    await within(3000, 'close of the others', Promise.all(endings));
    await ws.assertAlive();
  });
});
