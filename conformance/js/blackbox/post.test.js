import assert from 'node:assert/strict';

import { tcp } from '../support/http.js';
import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { until } from '../support/wait.js';

suite('POST', {}, (server) => {
  test('is answered with ok and its headers', async () => {
    const session = await Polling.connect(server);
    const { headers } = await session.post('42["message",1]');
    assert.match(headers['content-type'], /^text\/html/);
    assert.equal(headers['content-length'], '2');
  });

  test('the packets of one body are taken in order', async () => {
    const session = await Polling.connect(server);
    const numbers = Array.from({ length: 20 }, (_, number) => number);
    await session.post(...numbers.map((number) => `42["message",${number}]`));
    const packets = await session.packets((all) => all.length >= 20);
    assert.deepEqual(packets, numbers.map((number) => `42["message-back",${number}]`));
  });

  test('binary is base64 with padding, both ways', async () => {
    const session = await Polling.connect(server);
    await session.post('451-["message",{"_placeholder":true,"num":0}]', 'b+/8BAg==');
    const packets = await session.packets((all) => all.length >= 2);
    assert.deepEqual(packets, ['451-["message-back",{"_placeholder":true,"num":0}]', 'b+/8BAg==']);
  });

  test('a body in two chunks, split within a character', async () => {
    const session = await Polling.connect(server);
    const body = Buffer.from('42["message","é"]');
    const wire = tcp(server, `POST ${session.target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
    const cut = body.indexOf(0xc3) + 1;
    for (const chunk of [body.subarray(0, cut), body.subarray(cut)]) {
      wire.socket.write(`${chunk.length.toString(16)}\r\n`);
      wire.socket.write(chunk);
      wire.socket.write('\r\n');
    }
    wire.socket.write('0\r\n\r\n');
    await until(2000, 'ok', () => (/^HTTP\/1.1 200 [^]*ok$/.test(wire.received) ? true : null));
    assert.equal(await session.packet(), '42["message-back","é"]');
  });

  test('a body of exactly maxPayload is accepted', async () => {
    const session = await Polling.connect(server);
    const head = '42["message","';
    await session.post(`${head}${'x'.repeat(1_000_000 - head.length - 2)}"]`);
    const packet = await session.packet();
    assert.equal(packet.length, 1_000_000 + '-back'.length);
  });

  test('a body over maxPayload: 413 with an empty body, and the session survives', async () => {
    const session = await Polling.connect(server);
    const answer = await session.send(`42["message","${'x'.repeat(1_000_000)}"]`);
    assert.deepEqual([answer.status, answer.text], [413, '']);
    await session.assertAlive();
  });

  test('the same without a Content-Length', async () => {
    const session = await Polling.connect(server);
    const wire = tcp(server, `POST ${session.target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
    const chunk = `186a0\r\n${'x'.repeat(100_000)}\r\n`;
    wire.socket.write(chunk.repeat(11));
    wire.socket.write('0\r\n\r\n');
    const received = await until(2000, 'answer', () => (wire.received.includes('\r\n\r\n') ? wire.received : null));
    assert.match(received, /^HTTP\/1.1 413 /);
    await session.assertAlive();
  });

  test('a binary body on revision 4: 400, and the session is closed', async () => {
    const session = await Polling.connect(server);
    const answer = await session.send('4hello', { 'Content-Type': 'application/octet-stream' });
    assert.equal(answer.status, 400);
    await session.assertGone();
  });

  for (const method of ['PUT', 'DELETE', 'PATCH']) {
    test(`${method} with a valid sid: 500 with an empty body, and the session survives`, async () => {
      const session = await Polling.connect(server);
      const answer = await session.request({ method, body: '42["message",1]' });
      assert.deepEqual([answer.status, answer.text], [500, '']);
      await session.assertAlive();
    });
  }
});
