import assert from 'node:assert/strict';

import { connect, eachWay } from '../support/client.js';
import { suite, test } from '../support/suite.js';

suite('broadcast with acknowledgements', {}, (server) => {
  eachWay((way, options) => {
    test(`${way}: the sender receives the first argument of each answer`, async () => {
      const [sender, ...others] = await Promise.all([1, 2, 3].map(() => connect(server, options)));
      others[0].on('question', (what, ack) => ack({ heard: what }, 'ignored'));
      others[1].on('question', (what, ack) => ack(Buffer.from([4]), 'ignored'));
      sender.on('question', () => assert.fail('the sender was asked'));
      sender.emit('broadcast-with-ack', 'é');
      const [answers] = await sender.next('broadcast-acks');
      const object = (answer) => !Buffer.isBuffer(answer);
      assert.deepEqual(answers.filter(object), [{ heard: 'é' }]);
      assert.deepEqual(answers.filter((answer) => !object(answer)), [Buffer.from([4])]);
    });

    test(`${way}: one answer missing after a second makes it null`, async () => {
      const [sender, answers, silent] = await Promise.all([1, 2, 3].map(() => connect(server, options)));
      answers.on('question', (ack) => ack('here'));
      const from = Date.now();
      sender.emit('broadcast-with-ack');
      assert.deepEqual(await sender.next('broadcast-acks'), [null]);
      const took = Date.now() - from;
      assert.ok(took > 900 && took < 2500, `${took} ms`);
      assert.equal(silent.pending('question'), 1);
    });

    test(`${way}: with nobody else the list is empty`, async () => {
      const sender = await connect(server, options, { nsp: '/dyn-404' });
      sender.emit('broadcast-with-ack', 1);
      assert.deepEqual(await sender.next('broadcast-acks'), [[]]);
    });
  });
});
