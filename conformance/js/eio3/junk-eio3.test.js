import { bystanders } from '../support/bystanders.js';
import { request, target } from '../support/http.js';
import { suite, test } from '../support/suite.js';
import { Ws } from '../support/websocket.js';

suite('junk from EIO 3 clients', {}, (server) => {
  test('the lone packet b, and lengths that lie, harm nobody else', async () => {
    const unharmed = await bystanders(server);
    const bodies = ['1:b', '2:bb', '99:4x', '-1:4', ':', '1', '1:é', '2:4', '99999999999999999999:4', 'x:4', ''];
    for (const body of bodies) {
      const opened = await request(server, target(server, { EIO: 3 }));
      const sid = /"sid":"([^"]+)"/.exec(opened.text)[1];
      const at = target(server, { EIO: 3, sid });
      await request(server, at, { method: 'POST', body, headers: { 'Content-Type': 'text/plain;charset=UTF-8' } });
    }
    await unharmed();
  });

  test('broken binary bodies harm nobody else', async () => {
    const unharmed = await bystanders(server);
    const bodies = [
      [0],
      [1],
      [0, 255],
      [1, 255],
      [1, 1, 255],
      [1, 1, 255, 4],
      [2, 1, 255, 52],
      [0, 1, 255, 0xc3],
      [0, 9, 9, 9, 255, 52],
    ];
    for (const body of bodies) {
      const opened = await request(server, target(server, { EIO: 3 }));
      const sid = /"sid":"([^"]+)"/.exec(opened.text)[1];
      const headers = { 'Content-Type': 'application/octet-stream' };
      await request(server, target(server, { EIO: 3, sid }), { method: 'POST', body: Buffer.from(body), headers });
    }
    await unharmed();
  });

  test('odd websocket frames harm nobody else', async () => {
    const unharmed = await bystanders(server);
    for (const frame of [Buffer.alloc(0), Buffer.from([9]), 'b', 'é']) {
      const ws = await Ws.open(server, { query: { EIO: 3 } });
      ws.send(frame);
    }
    await unharmed();
  });
});
