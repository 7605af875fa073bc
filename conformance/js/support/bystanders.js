import { Polling } from './polling.js';
import { Ws } from './websocket.js';

/** A client of each transport that must not notice anything. Gives what asserts it. */
export async function bystanders(server) {
  const ws = await Ws.connect(server);
  const polling = await Polling.connect(server);
  return async () => {
    await ws.assertAlive();
    await polling.assertAlive();
  };
}
