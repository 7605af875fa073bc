import assert from 'node:assert/strict';

import { refusal, request, target } from './http.js';

const SEPARATOR = '\x1e';

/** A session that polls by hand: nothing is sent, fetched or answered unless a test says so. */
export class Polling {
  constructor(server, opening) {
    this.server = server;
    this.opening = opening;
    this.sid = opening.sid;
  }

  static async open(server, query = {}) {
    const answer = await request(server, target(server, query));
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.text[0], '0');
    return new Polling(server, JSON.parse(answer.text.slice(1)));
  }

  /** Opens a session and joins `/`. Gives the session, whose `id` is the socket id. */
  static async connect(server, query = {}) {
    const session = await Polling.open(server, query);
    await session.post('40');
    const packets = await session.packets((all) => all.some((packet) => packet.startsWith('42["auth"')));
    session.id = JSON.parse(packets.find((packet) => packet.startsWith('40')).slice(2)).sid;
    return session;
  }

  get target() {
    return target(this.server, { sid: this.sid });
  }

  request(options) {
    return request(this.server, this.target, options);
  }

  /** A GET that stands until the server has something. */
  get(ms = 3000) {
    return this.request({ ms });
  }

  /** A POST, answered or not. */
  send(body, headers = {}) {
    return this.request({ method: 'POST', body, headers: { 'Content-Type': 'text/plain;charset=UTF-8', ...headers } });
  }

  /** A POST of packets that must be answered with `ok`. */
  async post(...packets) {
    const answer = await this.send(packets.join(SEPARATOR));
    assert.deepEqual([answer.status, answer.text], [200, 'ok']);
    return answer;
  }

  /** Polls until `enough(packets)`, answering pings. Gives all packets but pings and noops. */
  async packets(enough, ms = 3000) {
    const all = [];
    const end = Date.now() + ms;
    while (!enough(all)) {
      assert.ok(Date.now() < end, `within ${ms} ms only ${JSON.stringify(all).slice(0, 500)}`);
      const answer = await this.get(ms);
      assert.equal(answer.status, 200, answer.text);
      for (const packet of answer.text.split(SEPARATOR)) {
        if (packet === '2') await this.post('3');
        else if (packet !== '6') all.push(packet);
      }
    }
    return all;
  }

  /** The next packet that is neither ping nor noop. */
  async packet(ms = 3000) {
    const all = await this.packets((packets) => packets.length > 0, ms);
    assert.equal(all.length, 1, JSON.stringify(all));
    return all[0];
  }

  /** The connected session still carries an event there and back. */
  async assertAlive() {
    const token = `alive-${Math.random()}`;
    await this.post(`42${JSON.stringify(['message', token])}`);
    const expected = `42${JSON.stringify(['message-back', token])}`;
    await this.packets((packets) => packets.includes(expected));
  }

  /** The server has forgotten the session. */
  async assertGone() {
    const answer = await this.get();
    assert.deepEqual([answer.status, answer.text], [400, refusal(1)]);
  }
}
