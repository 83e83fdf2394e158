import { describe, expect, test } from "vitest";
import { partyOf, PolicyBench } from "../../test/fakes/policy-bench.ts";
import type { SharedBuckets, SharedLimits } from "../limits/shared-limits.ts";
import { TokenBucket } from "../limits/token-bucket.ts";
import { emptyPlan } from "../tunnel/plan.ts";
import type { FlowLimit } from "../tunnel/plan.ts";
import type { CompileContext, PolicySteps, Party } from "../policy.ts";
import { sessionLimits } from "./session-limits.ts";

const item = { limit: 3, interval: "1s" };

function limitsOf(policy: PolicySteps, party: Party, kind: "messages" | "bytes" = "messages"): readonly FlowLimit[] {
  const draft = emptyPlan();
  policy.plan?.(party, draft);
  return draft.fromClient[kind];
}

const messages = (bench: PolicyBench, per: string, options = {}): PolicySteps =>
  bench.compile("messages", { fromClient: [{ per, ...item }], fromBackend: [] }, options);

test.each<[string, Party, Party, boolean]>([
  ["Connection", partyOf("alice"), partyOf("alice"), false],
  ["Client", partyOf("alice"), partyOf("alice", "192.0.2.2"), true],
  ["Client", partyOf("alice"), partyOf("bob"), false],
  ["Client", partyOf(), partyOf(), true],
  ["Client", partyOf(), partyOf(undefined, "192.0.2.2"), false],
  ["IP", partyOf("alice"), partyOf("bob"), true],
  ["IP", partyOf("alice", "2001:db8::1"), partyOf("alice", "2001:db8::2"), true],
  ["IP", partyOf("alice", "2001:db8::1"), partyOf("alice", "2001:db8:0:1::1"), false],
  ["Route", partyOf("alice"), partyOf("bob", "192.0.2.2"), true],
  ["Proxy", partyOf("alice"), partyOf("bob", "192.0.2.2"), true],
])("per %s, sessions %# take from one bucket: $3", (per, one, other, shared) => {
  const policy = messages(new PolicyBench(), per);
  const [a, b] = [limitsOf(policy, one), limitsOf(policy, other)];
  expect(a[0]?.bucket === b[0]?.bucket).toBe(shared);
});

test.each([
  [false, "Client", true],
  [false, "Proxy", true],
  [false, "Route", false],
  [true, "Client", false],
  [true, "Proxy", false],
])("of its own %s, per %s: two routes take from one bucket: %s", (own, per, shared) => {
  const bench = new PolicyBench();
  const [a, b] = ["a", "b"].map((route) => messages(bench, per, { route, own, commit: false })) as [
    PolicySteps,
    PolicySteps,
  ];
  expect(limitsOf(a, partyOf("alice"))[0]?.bucket === limitsOf(b, partyOf("alice"))[0]?.bucket).toBe(shared);
});

test.each(["Connection", "Client", "IP", "Route", "Proxy"])(
  "per %s, a change keeps what a session has used, and one that is rolled back changes nothing",
  (per) => {
    const bench = new PolicyBench();
    const party = partyOf("alice");
    const bucket = limitsOf(messages(bench, per), party)[0]?.bucket;
    bucket?.force(1, bench.clock.now());
    const change = { fromClient: [{ per, limit: 1, interval: "1s" }], fromBackend: [] };
    bench.compile("messages", change, { commit: false });
    bench.memory.rollback();
    expect(bucket?.available(bench.clock.now())).toBe(2);
    expect(limitsOf(bench.compile("messages", change), party)[0]?.bucket).toBe(bucket);
    expect(bucket?.available(bench.clock.now())).toBe(1);
  },
);

describe("with a store", () => {
  const sharing = () => {
    const named: string[] = [];
    const pockets: SharedBuckets = {
      bucket(name, shape, now) {
        named.push(name);
        return Object.assign(new TokenBucket(shape, now), { alone: () => false, lend: () => undefined });
      },
    };
    const shared = { available: true, whenUnavailable: "PerPod", places: undefined as never, pockets } as const;
    return { named, shared };
  };

  type Per = "Client" | "IP" | "Route" | "Proxy" | "Connection";
  const compiled = (
    bench: PolicyBench,
    shared: SharedLimits | undefined,
    per: Per,
    limit: number | string,
    own = false,
  ) => {
    const { memory, subjects, clock } = bench;
    const metrics = { limitHit: () => () => {} };
    const context = {
      route: { name: "main" },
      shadow: false,
      memory,
      subjects,
      shared,
      clock,
      metrics,
      log: undefined,
    };
    const scope = (): string => (own ? "route main" : "proxy");
    const limits = [{ per, onExceed: "Close", limit, interval: "1s", burst: limit }] as const;
    return sessionLimits("messages", "fromClient", limits as never, { ...context, scope } as unknown as CompileContext);
  };

  test.each<[Per, boolean, string[]]>([
    ["Client", false, ["messages fromClient Client proxy\nclient alice"]],
    ["IP", true, ["messages fromClient IP route main\n192.0.2.1"]],
    ["Route", false, ["messages fromClient Route main\n"]],
    ["Proxy", false, ["messages fromClient Proxy proxy\n"]],
    ["Connection", false, []],
  ])("a limit per %s counts in a bucket that all pods know by one name", (per, own, names) => {
    const { named, shared } = sharing();
    const limits = compiled(new PolicyBench(), shared, per, 3, own);
    const [a, b] = [1, 2].map(() => limits(partyOf("alice", "192.0.2.1"))[0]?.bucket);
    expect(named).toEqual(names);
    expect(a === b).toBe(per !== "Connection");
  });

  test("a change keeps the bucket; a store that appears or goes is another count", () => {
    const { shared } = sharing();
    const [bench, party] = [new PolicyBench(), partyOf("alice")];
    const bucketOf = (limit: number, store?: SharedLimits) => {
      const limits = compiled(bench, store, "Client", limit);
      bench.memory.commit();
      return limits(party)[0]?.bucket;
    };
    const first = bucketOf(3, shared);
    first?.force(1, bench.clock.now());
    expect(bucketOf(1, shared)).toBe(first);
    expect(first?.available(bench.clock.now())).toBe(1);
    expect(bucketOf(1)).not.toBe(first);
  });
});

test("a limit on bytes is written as a quantity", () => {
  const bench = new PolicyBench();
  const from = [{ per: "Connection", limit: "1Ki", interval: "1s", burst: "2Ki" }];
  const policy = bench.compile("bytes", { fromClient: from, fromBackend: [] });
  expect(limitsOf(policy, partyOf(), "bytes")[0]?.bucket.available(bench.clock.now())).toBe(2048);
});

test("hits are all counted, and logged once for a session", async () => {
  const bench = new PolicyBench();
  const party = partyOf("alice");
  for (let n = 0; n < 5; n += 1) {
    // Each time under a new config, which is compiled anew.
    const [limit] = limitsOf(messages(bench, "Client", { shadow: true }), party);
    limit?.hit();
  }
  expect(await bench.hits({ policy: "messages", per: "Client", action: "Close", enforcement: "Shadow" })).toBe(5);
  expect(bench.logged).toEqual([
    {
      event: "LimitExceeded",
      message: "limit exceeded",
      ...{ requestId: "request-1", route: "main", policy: "messages", direction: "fromClient", per: "Client" },
      ...{ action: "Close", shadow: true, client: "alice", address: "192.0.2.1" },
    },
  ]);
});
