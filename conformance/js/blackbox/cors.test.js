import assert from 'node:assert/strict';

import { refusal, request, target } from '../support/http.js';
import { Polling } from '../support/polling.js';
import { suite, test } from '../support/suite.js';

const ALLOWED = ['http://127.0.0.1:1234', 'http://localhost:80', 'http://localhost:65535'];
const FOREIGN = [
  'http://example.com',
  'https://localhost:1234',
  'http://localhost.example.com:1',
  'http://127.0.0.1:1x',
  'null',
];

const tokens = (list) => list.split(',').map((token) => token.trim().toLowerCase());

suite('CORS', {}, (server) => {
  const preflight = (origin, at = target(server)) =>
    request(server, at, {
      method: 'OPTIONS',
      headers: {
        Origin: origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'x-accept-test',
      },
    });

  for (const origin of ALLOWED) {
    test(`${origin}: preflight`, async () => {
      const { status, headers, text } = await preflight(origin);
      assert.ok(status === 200 || status === 204, String(status));
      assert.equal(text, '');
      assert.equal(headers['access-control-allow-origin'], origin);
      assert.equal(headers['access-control-allow-credentials'], 'true');
      const methods = tokens(headers['access-control-allow-methods']);
      assert.ok(methods.includes('get') && methods.includes('post'), methods.join());
      assert.ok(tokens(headers['access-control-allow-headers']).includes('x-accept-test'));
      assert.ok(tokens(headers.vary).includes('origin'));
    });

    test(`${origin}: handshake, GET, POST and refusal`, async () => {
      const headers = { Origin: origin };
      const opened = await request(server, target(server), { headers });
      const { sid } = JSON.parse(opened.text.slice(1));
      const at = target(server, { sid });
      const posted = await request(server, at, { method: 'POST', body: '40', headers });
      const polled = await request(server, at, { headers });
      const refused = await request(server, target(server, { transport: 'foo' }), { headers });
      assert.deepEqual([refused.status, refused.text], [400, refusal(0)]);
      for (const answer of [opened, posted, polled, refused]) {
        assert.equal(answer.headers['access-control-allow-origin'], origin);
        assert.equal(answer.headers['access-control-allow-credentials'], 'true');
      }
    });
  }

  test('a preflight with a sid leaves the session alone', async () => {
    const session = await Polling.connect(server);
    const { status } = await preflight(ALLOWED[0], session.target);
    assert.ok(status === 200 || status === 204, String(status));
    await session.assertAlive();
  });

  for (const origin of FOREIGN) {
    test(`${origin}: no permission`, async () => {
      const asked = await preflight(origin);
      const opened = await request(server, target(server), { headers: { Origin: origin } });
      for (const { headers } of [asked, opened]) {
        assert.equal(headers['access-control-allow-origin'], undefined);
      }
    });
  }

  test('without an Origin no origin is named', async () => {
    const { status, headers } = await request(server, target(server));
    assert.equal(status, 200);
    assert.equal(headers['access-control-allow-origin'], undefined);
  });
});
