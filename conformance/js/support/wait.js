import { setTimeout as sleep } from 'node:timers/promises';

export { sleep };

/** Rejects when `promise` takes longer than `ms`. */
export function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Asks `probe` every 20 ms until it gives something other than null or undefined. */
export async function until(ms, what, probe) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await probe();
    if (value !== null && value !== undefined) return value;
    if (Date.now() > end) throw new Error(`${what}: nothing within ${ms} ms`);
    await sleep(20);
  }
}

/** Values in the order in which they came, for a reader that may be early or late. */
export class Inbox {
  #values = [];
  #readers = [];
  #ended = null;

  push(value) {
    const reader = this.#readers.shift();
    if (reader) reader.resolve(value);
    else this.#values.push(value);
  }

  /** After this, a reader that would have to wait fails with `error`. */
  end(error) {
    this.#ended = error;
    for (const reader of this.#readers.splice(0)) reader.reject(error);
  }

  get size() {
    return this.#values.length;
  }

  next(ms = 2000, what = 'next value') {
    if (this.#values.length) return Promise.resolve(this.#values.shift());
    if (this.#ended) return Promise.reject(this.#ended);
    let reader;
    const value = new Promise((resolve, reject) => {
      reader = { resolve, reject };
      this.#readers.push(reader);
    });
    return within(ms, what, value).catch((error) => {
      this.#readers = this.#readers.filter((other) => other !== reader);
      throw error;
    });
  }
}
