import { bystanders } from '../support/bystanders.js';
import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';
import { sleep } from '../support/wait.js';
import { Ws } from '../support/websocket.js';

const JUNK = [
  'éaaaa',
  '4éaaaa',
  '42é',
  '45é-["message"]',
  '451é-["message"]',
  '45\u{1f680}',
  '42/é["message"]',
  '42/',
  '42/,',
  '42,["message"]',
  '4299999999999999999999999["message"]',
  '42-1["message"]',
  '42["message",1e999999]',
  '42["message",-0.0e-999999]',
  '42["message","\\ud800"]',
  '42["message","\\u00"]',
  '42["message",{"_placeholder":true,"num":0}]',
  '42["__proto__"]',
  '42["constructor",{"__proto__":{"a":1}}]',
  '43',
  '46',
  '461-',
  '451-',
  '451-/',
  '451-/custom',
  '4\u0000',
  'b',
  'b!!!!',
  'bAAA',
  '0{"sid":"x"}',
  '5',
  '6',
  '3',
  '3probe',
];

/** A small generator, so that a failure can be repeated. */
function* random(seed) {
  let state = seed;
  for (;;) {
    state = (state * 1103515245 + 12345) % 2147483648;
    yield state / 2147483648;
  }
}

const PIECES = [...'42051-/,"[]{}éb\\ \u{1f680}', '45', '42', '1-', '/custom,', '["message",1]'];

function scramble(seed) {
  const numbers = random(seed);
  const below = (limit) => Math.floor(numbers.next().value * limit);
  return Array.from({ length: 1 + below(6) }, () => PIECES[below(PIECES.length)]).join('');
}

const scrambled = Array.from({ length: 200 }, (_, seed) => scramble(seed * 7919 + 1));

suite('junk', {}, (server) => {
  for (const packet of JUNK) {
    test(`${JSON.stringify(packet.slice(0, 40))} harms nobody else`, async () => {
      const unharmed = await bystanders(server);
      const ws = await Ws.connect(server);
      const session = await Polling.connect(server);
      ws.send(packet);
      await session.send(packet);
      const fresh = await Ws.open(server);
      fresh.send(packet);
      await unharmed();
    });
  }

  test(`${scrambled.length} scrambled packets harm nobody else`, async () => {
    const unharmed = await bystanders(server);
    for (let from = 0; from < scrambled.length; from += 20) {
      await Promise.all(
        scrambled.slice(from, from + 20).map(async (packet) => {
          const ws = await Ws.connect(server);
          ws.send(packet);
        }),
      );
      await sleep(20);
    }
    await unharmed();
  });
});

suite('deeply nested JSON (Node crashes)', {}, (server) => {
  const NESTED = {
    lists: `${'['.repeat(5000)}${']'.repeat(5000)}`,
    objects: `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`,
    'lists without an end': '['.repeat(200_000),
  };
  for (const [what, json] of Object.entries(NESTED)) {
    test(`${what} harm nobody else`, async () => {
      const unharmed = await bystanders(server);
      for (const packet of [`42["message",${json}]`, `421["message-with-ack",${json}]`, `40/custom,${json}`]) {
        const ws = await Ws.connect(server);
        const session = await Polling.connect(server);
        ws.send(packet);
        await session.send(packet);
      }
      await unharmed();
    });
  }
});
