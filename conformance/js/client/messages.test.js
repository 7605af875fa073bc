import assert from 'node:assert/strict';

import { connect, eachWay } from '../support/client.js';
import { suite, test } from '../support/suite.js';

const CASES = {
  'no argument': [],
  text: ['hello'],
  'an empty text': [''],
  'text that looks like packets': ['42["x"]', '\x1e', '451-["b",{"_placeholder":true}]'],
  'text in many scripts': ['Größe', 'てすと', 'Я Б Г', '👩‍👩‍👧‍👦', '\ud83d\ude80'],
  'characters that JSON or JavaScript escapes': ['\u0000\u001f\u2028\u2029', '"quoted" \\ / \b\f\n\r\t'],
  'an unpaired surrogate': ['\ud800'],
  'each JSON type': [0, -1.5, 1e21, true, false, null, 'x', [], {}],
  'a nested object': [{ a: [1, { b: [[], {}, { c: null }] }], 'ключ "1"': 'é' }],
  'whole numbers at the edge of a double': [9007199254740991, -9007199254740991, 5e-324],
  'several arguments': ['a', 1, { b: 2 }, [3], null, false],
};

suite('messages', {}, (server) => {
  eachWay((way, options) => {
    for (const [what, args] of Object.entries(CASES)) {
      test(`${way}: ${what} comes back as it was`, async () => {
        const socket = await connect(server, options);
        socket.emit('message', ...args);
        assert.deepEqual(await socket.next('message-back'), args);
      });
    }
  });
});
