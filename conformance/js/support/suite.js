import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { Server } from './server.js';

const TEST_MS = 10_000;
const open = new Set();

/** Has `thing.dispose()` called at the end of the running test. */
export function disposable(thing) {
  open.add(thing);
  return thing;
}

/** Disposes of everything that the test has opened. */
export async function disposeAll() {
  const things = [...open];
  open.clear();
  for (const thing of things) await thing.dispose();
}

/** A test that is given up after 10 s. */
export function test(name, story) {
  it(name, { timeout: TEST_MS }, story);
}

/**
 * A group of tests that share one server. The group gets the server, which has no port until the first test runs.
 * A panic in the server fails the group.
 */
export function suite(name, options, stories) {
  describe(name, () => {
    const server = new Server(options);
    before(() => server.start(), { timeout: 40_000 });
    afterEach(disposeAll);
    after(
      async () => {
        await server.stop();
        assert.doesNotMatch(server.complaints, /panicked at/, 'the server panicked');
      },
      { timeout: 10_000 },
    );
    stories(server);
  });
}
