import assert from 'node:assert/strict';

import { request, target } from '../support/http.js';
import { suite, test } from '../support/suite.js';
import { sleep } from '../support/wait.js';
import { Ws } from '../support/websocket.js';

/** `<length>:<packet>` for each, the length in UTF-16 units. */
const payload = (...packets) => packets.map((packet) => `${packet.length}:${packet}`).join('');

class Session {
  static async open(server, query = {}) {
    const session = new Session();
    const answer = await request(server, target(server, { EIO: 3, ...query }));
    assert.equal(answer.status, 200);
    session.binary = answer.headers['content-type'] === 'application/octet-stream';
    session.opening = answer.text;
    session.server = server;
    session.target = target(server, { EIO: 3, ...query, sid: /"sid":"([^"]+)"/.exec(answer.text)[1] });
    return session;
  }

  /** A GET, a little later: what was posted before it is then answered in one body. */
  async get() {
    await sleep(50);
    return request(this.server, this.target);
  }

  async post(body, type = 'text/plain;charset=UTF-8') {
    const answer = await request(this.server, this.target, { method: 'POST', body, headers: { 'Content-Type': type } });
    assert.deepEqual([answer.status, answer.text], [200, 'ok']);
  }
}

suite('Engine.IO of revision 3', { mode: 'eio3' }, (server) => {
  test('the handshake is framed by its length', async () => {
    const { opening } = await Session.open(server);
    const [, length, packet] = /^(\d+):([^]*)$/.exec(opening);
    assert.equal(Number(length), packet.length);
    assert.equal(JSON.parse(packet.slice(1)).pingInterval, 300);
  });

  test('an unnamed revision counts as 3', async () => {
    const { opening } = await Session.open(server, { EIO: null });
    assert.match(opening, /^\d+:0\{/);
  });

  test('lengths count UTF-16 units', async () => {
    const session = await Session.open(server);
    await session.post(payload('4é', '4👍a', '4'));
    assert.equal((await session.get()).text, '2:4é4:4👍a1:4');
  });

  test('the client pings, the server answers', async () => {
    const session = await Session.open(server);
    await session.post(payload('2'));
    assert.equal((await session.get()).text, '1:3');
    const ws = await Ws.open(server, { query: { EIO: 3 }, pings: 'show' });
    ws.send('2');
    await ws.expect('3');
  });

  test('the server does not ping, and gives up one who does not', async () => {
    const ws = await Ws.open(server, { query: { EIO: 3 }, pings: 'show' });
    const from = Date.now();
    await ws.closed();
    const took = Date.now() - from;
    assert.ok(took > 400 && took < 1200, `${took} ms`);
    assert.equal(ws.inbox.size, 0);
  });

  test('websocket: a binary frame has its type in front', async () => {
    const ws = await Ws.open(server, { query: { EIO: 3 } });
    ws.send(Buffer.from([4, 1, 2, 3]));
    await ws.expect(Buffer.from([4, 1, 2, 3]));
  });

  test('websocket with b64: binary comes as text', async () => {
    const ws = await Ws.open(server, { query: { EIO: 3, b64: 1 } });
    ws.send(Buffer.from([4, 1, 2, 3]));
    await ws.expect('b4AQID');
  });

  test('polling: binary makes the whole payload binary', async () => {
    const session = await Session.open(server);
    const body = Buffer.concat([
      Buffer.from([0, 4, 255]),
      Buffer.from('4€'),
      Buffer.from([1, 4, 255, 4, 1, 2, 3]),
    ]);
    await session.post(body, 'application/octet-stream');
    const { headers, body: back } = await session.get();
    assert.equal(headers['content-type'], 'application/octet-stream');
    assert.deepEqual(back, body);
  });

  test('polling with b64: binary comes as base64', async () => {
    const session = await Session.open(server, { b64: 1 });
    await session.post(payload('4€', 'b4AQID'));
    assert.equal((await session.get()).text, '2:4€6:b4AQID');
  });

  test('a client of revision 4 is served beside', async () => {
    const ws = await Ws.open(server);
    ws.send('4hello');
    await ws.expect('4hello');
  });
});

suite('Socket.IO over revision 3', {}, (server) => {
  test('/ is joined without asking', async () => {
    const ws = await Ws.open(server, { query: { EIO: 3 } });
    await ws.expect('40', '42["auth",{}]');
    ws.send('421["whoami"]');
    const [me] = JSON.parse((await ws.next()).slice('431'.length));
    assert.deepEqual([me.eio, me.nsp, me.rooms], [3, '/', [me.id]]);
  });

  test('a namespace takes its query for auth', async () => {
    const ws = await Ws.open(server, { query: { EIO: 3 } });
    await ws.expect('40', '42["auth",{}]');
    ws.send('40/auth?token=good');
    await ws.expect('40/auth,', '42/auth,["auth",{"token":"good"}]');
    ws.send('40/custom?token=bad,');
    await ws.expect('40/custom,', '42/custom,["auth",{"token":"bad"}]');
  });

  test('a refusal is an ERROR packet with the data of the middleware', async () => {
    const ws = await Ws.open(server, { query: { EIO: 3 } });
    await ws.expect('40', '42["auth",{}]');
    ws.send('40/auth?token=bad,');
    await ws.expect('44/auth,{"code":401,"hint":"token"}');
    ws.send('40/unknown,');
    assert.match(await ws.next(), /^44\/unknown,("Invalid namespace"|\{"message":"Invalid namespace"\})$/);
    ws.send('42["message",1]');
    await ws.expect('42["message-back",1]');
  });

  test('attachments by polling', async () => {
    const session = await Session.open(server);
    const first = (await session.get()).text;
    assert.equal(first, `${session.opening.includes('2:40') ? '' : '2:40'}13:42["auth",{}]`);
    await session.post(payload('451-["message",{"_placeholder":true,"num":0},"€"]', 'b4AQID'));
    const { body } = await session.get();
    const text = Buffer.from('451-["message-back",{"_placeholder":true,"num":0},"€"]');
    const digits = [...String(text.length)].map(Number);
    const expected = Buffer.concat([Buffer.from([0, ...digits, 255]), text, Buffer.from([1, 4, 255, 4, 1, 2, 3])]);
    assert.deepEqual(body, expected);
  });
});
