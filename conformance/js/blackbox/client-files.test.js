import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { request } from '../support/http.js';
import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';

const FOLDER = fileURLToPath(new URL('../node_modules/socket.io-client/dist', import.meta.url));
const FILES = ['socket.io.js', 'socket.io.min.js', 'socket.io.esm.min.js', 'socket.io.msgpack.min.js'];

suite('client files', { env: { CLIENT_FILES: FOLDER } }, (server) => {
  for (const file of FILES) {
    test(file, async () => {
      const answer = await request(server, `/socket.io/${file}`);
      assert.equal(answer.status, 200);
      assert.match(answer.headers['content-type'], /^(application|text)\/javascript/);
      assert.match(answer.headers.etag, /^(W\/)?".+"$/);
      assert.ok(answer.body.equals(await readFile(`${FOLDER}/${file}`)));
    });

    test(`${file}: 304 for one who has it`, async () => {
      const { headers } = await request(server, `/socket.io/${file}`);
      const weak = headers.etag.startsWith('W/') ? headers.etag : `W/${headers.etag}`;
      for (const etag of [headers.etag, weak]) {
        const answer = await request(server, `/socket.io/${file}`, { headers: { 'If-None-Match': etag } });
        assert.deepEqual([answer.status, answer.text], [304, '']);
      }
    });

    test(`${file}: in full for one who has another version`, async () => {
      const answer = await request(server, `/socket.io/${file}`, { headers: { 'If-None-Match': '"another"' } });
      assert.equal(answer.status, 200);
    });
  }

  test('a query is ignored', async () => {
    const answer = await request(server, '/socket.io/socket.io.js?v=1');
    assert.equal(answer.status, 200);
    assert.match(answer.headers['content-type'], /javascript/);
  });

  const NO_FILES = ['../package.json', '%2e%2e/package.json', 'package.json', 'other.js', ''];
  for (const path of NO_FILES.map((file) => `/socket.io/${file}`)) {
    test(`${path} is no file`, async () => {
      const answer = await request(server, path);
      assert.ok(answer.status >= 400 && answer.status < 500, String(answer.status));
    });
  }

  test('the protocol is served beside them', async () => {
    await (await Polling.connect(server)).assertAlive();
  });
});

suite('without client files', {}, (server) => {
  test('there are none', async () => {
    const answer = await request(server, '/socket.io/socket.io.js');
    assert.ok(answer.status >= 400 && answer.status < 500, String(answer.status));
  });
});
