// One chat on several servers, in Rust and on Node, behind load balancers: with the official client, and with the page
// in a real browser.
//
//   EXAMPLES   folder of the examples' binaries
//   CHROMIUM   path of the browser (default: the usual places)

import assert from "node:assert/strict";
import { Agent } from "node:http";
import { test } from "node:test";

import { inBrowser, launch, newPage, STEP, step } from "./support/browser.js";
import { Cluster, withPrograms } from "./support/cluster.js";
import { eventually } from "./support/example.js";
import { leave, Person, talk } from "./support/person.js";

const NODES = ["actix-chat", "axum-chat", "node-chat"];
const POLLING = { transports: ["polling"] };
const WEBSOCKET = { transports: ["websocket"] };

// How many nodes their configurations have, and what a client is by whose node they know it again.
const BALANCERS = {
  balancer: { count: 3, client: () => ({}) },
  haproxy: { count: 2, client: () => ({ withCredentials: true }) },
  nginx: { count: 2, client: (index) => ({ agent: new Agent({ localAddress: `127.0.0.${index + 2}` }) }) },
};

for (const [name, { count, client }] of Object.entries(BALANCERS)) {
  const programs = withPrograms("redis-server", ...(name === "balancer" ? [] : [name]));
  test(`cluster: behind ${name}`, programs, async (t) => {
    const nodes = NODES.slice(-count);
    const cluster = await Cluster.start(t, nodes);
    const { url } = await cluster.startBalancer(name, nodes);
    const crowd = (size, options) => {
      const enter = (_, index) => Person.enter(t, url, { ...client(index), ...options(index) });
      return Promise.all(Array.from({ length: size }, enter));
    };

    await step(t, "those who begin as websockets are on all nodes", async () => {
      const people = await crowd(count, () => WEBSOCKET);
      assert.deepEqual(nodesOf(people), nodes);
      await talk(people);
      leave(people);
    });

    await step(t, "those who poll stay where their session is", async () => {
      // So many that not all of their addresses have one hash.
      const people = await crowd(20, () => POLLING);
      assert.deepEqual([...new Set(nodesOf(people))], nodes);
      for (let round = 0; round < 3; round++) await talk(people);
      for (const { interruptions } of people) assert.equal(interruptions, 0);
      leave(people);
    });

    await step(t, "an upgrade goes where the session is", async () => {
      const people = await crowd(count, () => ({}));
      await eventually(() => {
        for (const { socket } of people) assert.equal(socket.io.engine.transport.name, "websocket");
      });
      await talk(people);
      for (const { interruptions } of people) assert.equal(interruptions, 0);
      leave(people);
    });

    for (const lost of name === "balancer" ? nodes : [nodes[0]]) {
      await step(t, `without ${lost} its clients go on elsewhere`, async () => {
        const people = await eventually(async () => {
          const people = await crowd(6, (index) => (index % 2 ? POLLING : WEBSOCKET));
          if (people.some(({ node }) => node === lost)) return people;
          leave(people);
          throw new Error(`nobody is on ${lost}`);
        });
        const theirs = people.filter(({ node }) => node === lost);
        await cluster.nodes[lost].kill();
        await eventually(() => {
          for (const { node } of theirs) assert.ok(node && node !== lost);
          for (const { online } of people) assert.equal(online.length, people.length);
        });
        await talk(people);
        for (const person of people) {
          if (!theirs.includes(person)) assert.equal(person.interruptions, 0);
        }
        leave(people);
      });

      await step(t, `${lost} comes back, and learns what was written meanwhile`, async () => {
        await cluster.nodes[lost].start();
        await eventually(async () => {
          const people = await crowd(count, () => WEBSOCKET);
          const found = nodesOf(people);
          leave(people);
          assert.deepEqual(found, nodes);
          for (const { texts } of people) assert.deepEqual(texts, people[0].texts);
        });
      });
    }
  });
}

test("cluster: in a browser", { ...inBrowser, skip: inBrowser.skip || withPrograms("redis-server").skip }, async (t) => {
  const cluster = await Cluster.start(t, NODES);
  const { url } = await cluster.startBalancer("balancer", NODES);
  const browser = await launch(t);
  const pages = {};
  const node = (nickname) => pages[nickname].locator("#node").textContent();
  const says = async (nickname, text) => {
    await pages[nickname].getByLabel("Message", { exact: true }).fill(text);
    await pages[nickname].getByLabel("Message", { exact: true }).press("Enter");
    await eventually(async () => {
      for (const page of Object.values(pages)) assert.equal(await page.locator(".text", { hasText: text }).count(), 1);
    });
  };

  await step(t, "three pages are on three nodes, and talk", async () => {
    for (const nickname of ["Ada", "Bo", "Cy"]) {
      pages[nickname] = await newPage(browser, nickname, []);
      await pages[nickname].goto(`${url}/?nick=${nickname}`);
      await pages[nickname].locator("#node:not(:empty)").waitFor();
    }
    assert.deepEqual((await Promise.all(Object.keys(pages).map(node))).sort(), NODES);
    for (const nickname of Object.keys(pages)) await says(nickname, `${nickname} is on ${await node(nickname)}`);
  });

  await step(t, "a page goes on when its node is gone", async () => {
    const lost = await node("Ada");
    await cluster.nodes[lost].kill();
    await pages.Ada.locator("#banner", { hasText: "Back online" }).waitFor({ timeout: 2 * STEP });
    assert.notEqual(await node("Ada"), lost);
    await says("Ada", "And I am back.");
    await says("Bo", "We did not notice.");
  });
});

const nodesOf = (people) => people.map(({ node }) => node).sort();
