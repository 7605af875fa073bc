import assert from 'node:assert/strict';

import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { Ws } from '../support/websocket.js';

suite('packets that are accepted', {}, (server) => {
  test('CONNECT to / with nothing behind it', async () => {
    const ws = await Ws.open(server);
    ws.send('40');
    const answer = await ws.next();
    assert.match(answer, /^40\{"sid":"[A-Za-z0-9_-]{20}"\}$/);
    await ws.expect('42["auth",{}]');
    await ws.assertAlive();
  });

  test('CONNECT with an auth object', async () => {
    const ws = await Ws.open(server);
    ws.send('40{"token":"é","n":[1,null]}');
    await ws.next();
    await ws.expect('42["auth",{"token":"é","n":[1,null]}]');
  });

  for (const packet of ['40/custom', '40/custom,', '40/custom,{"a":1}']) {
    test(`CONNECT as ${packet}`, async () => {
      const ws = await Ws.open(server);
      ws.send(packet);
      assert.match(await ws.next(), /^40\/custom,\{"sid":"[A-Za-z0-9_-]{20}"\}$/);
      await ws.expect(`42/custom,["auth",${packet.slice('40/custom,'.length) || '{}'}]`);
    });
  }

  for (const packet of ['41/custom', '41/custom,']) {
    test(`DISCONNECT as ${packet}, and a new CONNECT`, async () => {
      const ws = await Ws.connect(server);
      const id = await ws.join('/custom');
      ws.send(packet);
      assert.equal(await ws.reasonOf(id), 'client namespace disconnect');
      await ws.assertAlive();
      assert.notEqual(await ws.join('/custom'), id);
    });
  }

  test('DISCONNECT with CONNECT right behind it are two steps (Node takes it for a second CONNECT)', async () => {
    const session = await Polling.connect(server);
    await session.post('41', '40');
    const packets = await session.packets((all) => all.length >= 2);
    assert.match(packets[0], /^40\{"sid":"/);
    assert.equal(packets[1], '42["auth",{}]');
    await session.assertAlive();
  });

  test('an event right behind CONNECT waits for it (Node closes the connection)', async () => {
    const session = await Polling.open(server);
    await session.post('40', '42["message",1]', '42["message",2]');
    const packets = await session.packets((all) => all.length >= 4);
    assert.deepEqual(packets.slice(1), ['42["auth",{}]', '42["message-back",1]', '42["message-back",2]']);
  });

  const HARMLESS = {
    'EVENT without a payload': '42',
    'ACK without a payload': '431',
    'ACK that nobody asked for': '437["x"]',
    'a number as event name': '42[1,"x"]',
    'an event that nobody handles': '42["nobody",{"a":1}]',
    'an event that nobody handles, to be acknowledged': '421["nobody"]',
    'an empty event name': '42[""]',
    'spaces in JSON': '42 [ "nobody" , 1 ]',
  };
  for (const [what, packet] of Object.entries(HARMLESS)) {
    test(`${what}: ${packet}`, async () => {
      const ws = await Ws.connect(server);
      ws.send(packet);
      await ws.assertAlive();
    });
  }

  test('a JSON escape in an event name', async () => {
    const ws = await Ws.connect(server);
    ws.send('42["mess\\u0061ge","\\u00e9\\n"]');
    const packet = await ws.next();
    assert.equal(packet.slice(0, 2), '42');
    assert.deepEqual(JSON.parse(packet.slice(2)), ['message-back', 'é\n']);
  });

  test('EVENT with an ack id in a namespace', async () => {
    const ws = await Ws.connect(server);
    await ws.join('/custom');
    ws.send('42/custom,120["message-with-ack",1,{"a":[]}]');
    await ws.expect('43/custom,120[1,{"a":[]}]');
  });

  test('BINARY_EVENT with an ack id in a namespace', async () => {
    const ws = await Ws.connect(server);
    await ws.join('/custom');
    ws.send('452-/custom,7["message-with-ack",{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]]');
    ws.send(Buffer.from([1]), Buffer.from([2, 3]));
    await ws.expect('462-/custom,7[{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]]');
    await ws.expect(Buffer.from([1]), Buffer.from([2, 3]));
  });

  test('attachments named out of order are put in their place', async () => {
    const ws = await Ws.connect(server);
    ws.send('452-["message",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]');
    ws.send(Buffer.from([1]), Buffer.from([2]));
    const packet = await ws.next();
    const parts = [await ws.next(), await ws.next()];
    assert.equal(packet.slice(0, 4), '452-');
    const [, ...args] = JSON.parse(packet.slice(4));
    assert.deepEqual(args.map(({ num }) => parts[num]), [Buffer.from([2]), Buffer.from([1])]);
  });

  for (const name of ['/random', '/é', '/custom/']) {
    test(`CONNECT to the unknown ${name} is refused, and the connection stays`, async () => {
      const ws = await Ws.connect(server);
      ws.send(`40${name},`);
      await ws.expect(`44${name},{"message":"Invalid namespace"}`);
      ws.send(`40${name}`);
      await ws.expect(`44${name},{"message":"Invalid namespace"}`);
      await ws.assertAlive();
    });
  }

  test('a middleware that refuses answers with its data, and the connection stays', async () => {
    const ws = await Ws.connect(server);
    ws.send('40/auth,{"token":"bad"}');
    const answer = await ws.next();
    assert.ok(answer.startsWith('44/auth,'), answer);
    assert.deepEqual(JSON.parse(answer.slice('44/auth,'.length)), {
      message: 'not authorized',
      data: { code: 401, hint: 'token' },
    });
    await ws.assertAlive();
  });
});
