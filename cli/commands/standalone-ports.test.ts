import { once } from "node:events";
import { createServer } from "node:net";
import { beforeEach, expect, test } from "vitest";
import { WsClient } from "../../test/fakes/clients.ts";
import { ALICE, backendManifest, keysManifest, proxyManifest } from "../../test/fakes/manifests.ts";
import { freePort, temporaryFolder } from "../../test/fakes/program.ts";
import { until } from "../../test/fakes/sockets.ts";
import { Standalone } from "../../test/fakes/standalone.ts";

type Name = "a" | "b" | "c" | "d";
/** Which port each proxy listens on, by its place in `ports`. */
type Places = Partial<Record<Name, number>>;

let ports: number[];
beforeEach(async () => {
  ports = await Promise.all([1, 2, 3, 4].map(() => freePort()));
});

const portAt = (place: number): number => ports[place] ?? 0;

/** All in one file, so that it is one edit; each proxy serves `/<own name>` without a credential, and no other proxy does. */
function proxies(places: Places): string {
  return Object.entries(places)
    .map(([name, place]) => {
      const policies = "policies: { authentication: { require: None } }";
      const own = `- name: own\n  path: { value: /${name} }\n  backends: [{ service: echo, port: 80 }]\n  ${policies}`;
      return proxyManifest({ name, port: portAt(place), routes: own });
    })
    .join("---\n");
}

async function start(places: Places): Promise<Standalone> {
  const it = await Standalone.empty(await temporaryFolder());
  await it.write("proxies.yaml", proxies(places));
  await it.write("keys.yaml", keysManifest({ alice: ALICE }));
  await it.write("backend.yaml", backendManifest(it.backend.port));
  it.run();
  await it.program.says(`http://127.0.0.1:${it.adminPort}/metrics`);
  return it;
}

/** The proxy that serves the port; "none": no proxy does. */
async function owner(place: number): Promise<string> {
  for (const name of ["a", "b", "c", "d"]) {
    const client = new WsClient(`ws://127.0.0.1:${portAt(place)}/${name}`);
    if (
      await client.opened().then(
        () => true,
        () => false,
      )
    )
      return name;
  }
  return "none";
}

/** Opens sessions there one after the other until told to stop; then says how many were refused. */
function crowd(it: Standalone, place: number): () => Promise<{ opened: number; refused: string[] }> {
  const over = new AbortController();
  let opened = 0;
  const refused: string[] = [];
  const running = (async () => {
    while (!over.signal.aborted) {
      await it.client(ALICE, "/", portAt(place)).then(
        (client) => {
          opened += 1;
          client.socket.terminate();
        },
        (error: unknown) => refused.push(String(error)),
      );
    }
  })();
  return async () => {
    over.abort();
    await running;
    return { opened, refused };
  };
}

async function moved(it: Standalone, places: Places): Promise<void> {
  for (const [name, place] of Object.entries(places)) {
    const own = (): Record<string, unknown> | undefined =>
      it.program.lines("config applied").findLast(({ proxy }) => proxy === `demo/${name}`);
    await until(`${name} is on its new port`, () => own()?.["port"] === portAt(place));
  }
}

test.each<[string, Places, Places]>([
  ["two that swap their ports", { a: 0, b: 1 }, { a: 1, b: 0 }],
  ["one that takes the port of another, which moves on", { a: 0, b: 1 }, { a: 1, b: 2 }],
  ["one that takes the port of another, which moves on, by name the other way", { a: 1, b: 0 }, { a: 2, b: 1 }],
  ["three in a circle", { a: 0, b: 1, c: 2 }, { a: 1, b: 2, c: 0 }],
  ["a swap beside a chain", { a: 0, b: 1, c: 2, d: 3 }, { a: 1, b: 0, c: 3 }],
  ["a new one on the port of one that is gone", { a: 0, b: 1 }, { b: 1, c: 0 }],
  ["one that moves to the port of one that is gone", { a: 0, b: 1 }, { a: 1 }],
])("%s: one edit ends no session of a proxy that stays, and refuses no client meanwhile", async (_, before, after) => {
  const it = await start(before);
  const kept = Object.entries(before).filter(([name]) => name in after);
  const sessions = await Promise.all(kept.map(([, place]) => it.client(ALICE, "/", portAt(place))));
  const shared = Object.entries(before).filter(([, place]) => Object.values(after).includes(place));
  const crowds = shared.map(([name, place]) => ({ stays: name in after, stop: crowd(it, place) }));
  await it.write("proxies.yaml", proxies(after));
  await moved(it, after);
  for (const { stays, stop } of crowds) {
    const { opened, refused } = await stop();
    // A client of a proxy that is removed gets an answer that says so; no connection fails.
    expect(stays ? refused : refused.filter((error) => error.includes("1006"))).toEqual([]);
    expect(opened).toBeGreaterThan(0);
  }
  for (const [name, place] of Object.entries(after)) expect(await owner(place)).toBe(name);
  for (const session of sessions) await it.alive(session, "still here");
  expect(await it.admin("/metrics")).not.toMatch(/config_(rejected|dropped_sessions)_total\{[^}]*\} [1-9]/);
  expect(it.program.stderr).not.toContain("Programmed is False");
});

test("where one of a circle cannot have its port all stay, each is told why, and all move once it can", async () => {
  const it = await start({ a: 0, b: 1, c: 2 });
  const sessions = await Promise.all([0, 1, 2].map((place) => it.client(ALICE, "/", portAt(place))));
  const squatter = createServer().listen(portAt(3), "127.0.0.1");
  await once(squatter, "listening");
  await it.write("proxies.yaml", proxies({ a: 1, b: 2, c: 3 }));
  await it.program.says(`WebSocketProxy demo/c: port ${portAt(3)} on 127.0.0.1 is in use by another process`);
  await it.program.says(`WebSocketProxy demo/b: port ${portAt(2)} is still that of demo/c, which has to stay there`);
  await it.program.says(`WebSocketProxy demo/a: port ${portAt(1)} is still that of demo/b, which has to stay there`);
  for (const name of ["a", "b", "c"]) {
    expect(it.program.stderr).toContain(`demo/${name}: Programmed is False (ListenerFailed)`);
  }
  for (const place of [0, 1, 2]) expect(await owner(place)).toBe("abc"[place]);
  squatter.close();
  await moved(it, { a: 1, b: 2, c: 3 });
  expect(await Promise.all([1, 2, 3].map(owner))).toEqual(["a", "b", "c"]);
  expect(await owner(0)).toBe("none");
  for (const session of sessions) await it.alive(session, "still here");
  expect(await it.admin("/metrics")).not.toMatch(/config_dropped_sessions_total\{[^}]*\} [1-9]/);
});

test("one that moves to the port of another whose edit is wrong is told, and both serve on", async () => {
  const it = await start({ a: 0, b: 1 });
  await it.write("proxies.yaml", proxies({ a: 1, b: 0 }).replace(/(name: b[^]*)drain:/, "$1drian:"));
  await it.program.says("demo/b: Accepted is False");
  await it.program.says(new RegExp(`WebSocketProxy demo/a.*: port ${portAt(1)} is .*that of demo/b`));
  expect(await Promise.all([0, 1].map(owner))).toEqual(["a", "b"]);
  await it.write("proxies.yaml", proxies({ a: 1, b: 0 }));
  await moved(it, { a: 1, b: 0 });
  expect(await Promise.all([0, 1].map(owner))).toEqual(["b", "a"]);
});
