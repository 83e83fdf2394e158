import { expect, test } from "vitest";
import { partyOf, PolicyBench } from "../../test/fakes/policy-bench.ts";
import { emptyPlan } from "../tunnel/plan.ts";
import type { FlowLimit } from "../tunnel/plan.ts";
import type { PolicySteps, Party } from "../policy.ts";

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
      ...{ action: "Close", shadow: true },
    },
  ]);
});
