import assert from 'node:assert/strict';

import { openPage } from '../support/page.js';
import { suite, test } from '../support/suite.js';
import { connectOld, versions } from '../support/versions.js';

const JSONP = { transports: ['polling'], forceJSONP: true };

const ARGS = ['Größe 👍', 'a\nb\\nc\\\\nd\r\n\\', '\u2028\u2029</script>', { file: Buffer.from([0, 1, 255]) }];

suite('JSONP', {}, (server) => {
  openPage();
  for (const [name, version] of Object.entries(versions)) {
    test(`${name}: text and binary, both ways`, async () => {
      const socket = await connectOld(version, server, JSONP);
      assert.match(socket.io.engine.transport.constructor.name, /JSONP/);
      for (let round = 0; round < 3; round += 1) {
        socket.emit('message', round, ...ARGS);
        assert.deepEqual(await socket.next('message-back'), [round, ...ARGS]);
      }
      socket.on('message', (...args) => args.pop()(...args));
      socket.emit('emit-with-ack', ...ARGS);
      assert.deepEqual(await socket.next('emit-with-ack'), ARGS);
    });

    test(`${name}: a namespace, and its end`, async () => {
      const socket = await connectOld(version, server, JSONP, { nsp: '/custom', auth: { token: 'é' } });
      assert.deepEqual(await socket.next('auth'), [{ token: 'é' }]);
      const [me] = await socket.ask('whoami');
      assert.deepEqual([me.transport, me.eio], ['polling', version.eio]);
      socket.emit('bye');
      assert.deepEqual((await socket.next('disconnect'))[0], 'io server disconnect');
    });
  }
});
