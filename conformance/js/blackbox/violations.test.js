import assert from 'node:assert/strict';

import { suite, test } from '../support/suite.js';
import { until } from '../support/wait.js';
import { Ws } from '../support/websocket.js';

const BEFORE_CONNECT = {
  'an event': ['42["message",1]'],
  'an event for another namespace': ['42/custom,["message",1]'],
  'an acknowledgement': ['430["x"]'],
  'CONNECT with a list': ['40[1]'],
  'CONNECT with a text': ['40"x"'],
  'CONNECT with broken JSON': ['40{'],
  'a binary message': [Buffer.from([1])],
};

const AFTER_CONNECT = {
  'a second CONNECT': ['40'],
  'a second CONNECT with auth': ['40{"a":1}'],
  'an event for a namespace that was not joined': ['42/custom,["x"]'],
  'DISCONNECT from a namespace that was not joined': ['41/custom,'],
  'an event for an unknown namespace': ['42/random,["x"]'],
  'CONNECT_ERROR from a client': ['44{"message":"x"}'],
  'an unknown packet type': ['47'],
  'no packet type': ['4'],
  'a letter for a packet type': ['4x["message"]'],
  'broken JSON': ['42["message"'],
  'something behind the JSON': ['42["message"]x'],
  'an object for an event': ['42{"a":1}'],
  'a text for an event': ['42"x"'],
  'an event without a name': ['42[]'],
  'null for a name': ['42[null]'],
  'an object for a name': ['42[{"a":1}]'],
  'an object for an acknowledgement': ['431{"a":1}'],
  'DISCONNECT with a payload': ['41{"a":1}'],
  '0 attachments': ['450-["message"]'],
  '11 attachments': ['4511-["message"]'],
  'a huge number of attachments': ['4599999999999999999999-["message"]'],
  'attachments that are no number': ['45x-["message"]'],
  'attachments without a number': ['45-["message"]'],
  'attachments without a dash': ['451["message",{"_placeholder":true,"num":0}]'],
  'a negative number of attachments': ['45-1-["message"]'],
  'text between a packet and its attachment': [
    '451-["message",{"_placeholder":true,"num":0}]',
    '42["message",1]',
  ],
  'text between two attachments': [
    '452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
    Buffer.from([1]),
    '42["message",1]',
  ],
  'binary that was not announced': [Buffer.from([1, 2, 3])],
  'more binary than was announced': [
    '451-["nobody",{"_placeholder":true,"num":0}]',
    Buffer.from([1]),
    Buffer.from([2]),
  ],
  'a placeholder beyond the attachments': ['451-["message",{"_placeholder":true,"num":1}]', Buffer.from([1])],
  'a placeholder below zero': ['451-["message",{"_placeholder":true,"num":-1}]', Buffer.from([1])],
  'a placeholder that is no number': ['451-["message",{"_placeholder":true,"num":"0"}]', Buffer.from([1])],
};

const RESERVED = ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'];
for (const name of RESERVED) AFTER_CONNECT[`the reserved event ${name}`] = [`42["${name}"]`];

suite('violations that close the connection', {}, (server) => {
  for (const [what, packets] of Object.entries(BEFORE_CONNECT)) {
    test(`${what} before CONNECT`, async () => {
      const ws = await Ws.open(server);
      ws.send(...packets);
      await ws.closed();
    });
  }

  for (const [what, packets] of Object.entries(AFTER_CONNECT)) {
    test(what, async () => {
      const witness = await Ws.connect(server);
      const ws = await Ws.connect(server);
      ws.send(...packets);
      await ws.closed();
      assert.equal(await until(1000, 'reason', () => witness.reasonOf(ws.id)), 'forced close');
      await witness.assertAlive();
    });
  }

  test('every namespace of the connection ends, each once', async () => {
    const witness = await Ws.connect(server);
    const ws = await Ws.connect(server);
    const ids = [ws.id, await ws.join('/custom'), await ws.join('/dyn-1')];
    ws.send('40/custom,');
    await ws.closed();
    for (const id of ids) {
      assert.equal(await until(1000, 'reason', () => witness.reasonOf(id)), 'forced close');
    }
  });
});
