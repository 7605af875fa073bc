import assert from 'node:assert/strict';

import { suite, test } from '../support/suite.js';
import { until } from '../support/wait.js';
import { Ws } from '../support/websocket.js';

suite('end of a websocket', {}, (server) => {
  async function endedWith(ws, reason) {
    const witness = await Ws.connect(server);
    assert.equal(await until(1500, 'end of the session', () => witness.reasonOf(ws.id)), reason);
  }

  for (const [what, message] of [
    ['text', `42["message","${'x'.repeat(1_000_000)}"]`],
    ['binary', Buffer.alloc(1_000_001)],
  ]) {
    test(`${what} over maxPayload: 1009`, async () => {
      const ws = await Ws.connect(server);
      ws.send(message);
      assert.deepEqual(await ws.closed(), { code: 1009, reason: '' });
      await endedWith(ws, 'transport error');
    });
  }

  test('fragments that add up to more than maxPayload: 1009', async () => {
    const ws = await Ws.connect(server);
    const part = `4${'x'.repeat(299_999)}`;
    for (let count = 0; count < 4; count += 1) ws.socket.send(part, { fin: count === 3 });
    assert.equal((await ws.closed()).code, 1009);
    await endedWith(ws, 'transport error');
  });

  test('a message of exactly maxPayload passes', async () => {
    const ws = await Ws.connect(server);
    const head = '42["message","';
    ws.send(`${head}${'x'.repeat(1_000_000 - head.length - 2)}"]`);
    assert.equal((await ws.next()).length, 1_000_000 + '-back'.length);
  });

  test('closed by the server, the close frame carries no code', async () => {
    const ws = await Ws.connect(server);
    ws.send('42["message",1]', '42["bye-all"]');
    await ws.expect('42["message-back",1]', '41');
    assert.deepEqual(await ws.closed(), { code: 1005, reason: '' });
    await endedWith(ws, 'server namespace disconnect');
  });

  test('a violation is closed without a code too', async () => {
    const ws = await Ws.connect(server);
    ws.send('40');
    assert.equal((await ws.closed()).code, 1005);
    await endedWith(ws, 'forced close');
  });

  for (const code of [undefined, 1000, 4000]) {
    test(`closed by the client with ${code ?? 'no code'}`, async () => {
      const ws = await Ws.connect(server);
      ws.socket.close(code);
      await ws.closed();
      await endedWith(ws, 'transport close');
    });
  }

  test('lost without a close frame', async () => {
    const ws = await Ws.connect(server);
    ws.socket.terminate();
    await endedWith(ws, 'transport close');
  });

  for (const packet of ['abc', '', '7', 'é', '42["message",1]'.slice(1).replace('2', 'x')]) {
    test(`an invalid packet ${JSON.stringify(packet)}`, async () => {
      const ws = await Ws.connect(server);
      ws.send(packet);
      await ws.closed();
      await endedWith(ws, 'parse error');
    });
  }

  test('a heartbeat in the wrong direction', async () => {
    const ws = await Ws.connect(server);
    ws.send('2');
    await ws.closed();
    await endedWith(ws, 'transport error');
  });

  test('text that is no UTF-8', async () => {
    const ws = await Ws.connect(server);
    ws.socket.send(Buffer.from([0x34, 0x32, 0xff, 0xfe]), { binary: false });
    await ws.closed();
    await endedWith(ws, 'transport error');
  });

  test('a reserved opcode', async () => {
    const ws = await Ws.connect(server);
    ws.socket._socket.write(Buffer.from([0x83, 0x80, 0, 0, 0, 0]));
    await ws.closed();
    await endedWith(ws, 'transport error');
  });

  test('a close packet of the client ends it at once (Node ignores it)', async () => {
    const ws = await Ws.connect(server);
    ws.send('1');
    await ws.closed(1000);
    await endedWith(ws, 'transport close');
  });
});
