import { expect, test } from "vitest";
import { EventFilter } from "./event-filter.ts";

const filter = (query: string): EventFilter => new EventFilter(Object.fromEntries(new URLSearchParams(query)));

const refused = {
  ...{ proxy: "demo/chat", route: "main", client: "alice", address: "192.0.2.1" },
  ...{ status: 403, reason: "Denied" },
};
const accepted = { proxy: "demo/chat", route: "main", status: 101, reason: "Accepted" };

test.each<[string, boolean, boolean]>([
  ["", true, true],
  ["client=alice", true, false],
  ["client=alic", false, false],
  ["route=main", true, true],
  ["route=MAIN", false, false],
  ["address=192.0.2.1", true, false],
  ["proxy=demo/chat", true, true],
  ["proxy=demo/other", false, false],
  ["outcome=accepted", false, true],
  ["outcome=refused", true, false],
  ["outcome=Denied", true, false],
  ["outcome=403", true, false],
  ["outcome=101", false, true],
  ["outcome=Accepted", false, true],
  ["client=alice&outcome=accepted", false, false],
  ["client=alice&route=main&address=192.0.2.1&proxy=demo/chat&outcome=refused", true, false],
])("%s passes a refused handshake: %s, an accepted one: %s", (query, ofRefused, ofAccepted) => {
  const it = filter(query);
  expect([it.passes("handshake", refused), it.passes("handshake", accepted)]).toEqual([ofRefused, ofAccepted]);
});

test("events that are no handshake pass an outcome only where they say it", () => {
  const closed = { ...accepted, code: 3000, reason: "CredentialRevoked" };
  expect(filter("outcome=CredentialRevoked").passes("closed", closed)).toBe(true);
  expect(filter("outcome=3000").passes("closed", closed)).toBe(true);
  expect(filter("outcome=accepted").passes("closed", closed)).toBe(false);
  expect(filter("outcome=refused").passes("tlsFailed", {})).toBe(true);
  expect(filter("outcome=accepted").passes("tlsFailed", {})).toBe(false);
  for (const name of ["limit", "timeline"]) {
    expect(filter("outcome=refused").passes(name, accepted)).toBe(false);
    expect(filter("route=main").passes(name, accepted)).toBe(true);
  }
});

test("a long client id is compared by what an event shows of it", () => {
  const long = "x".repeat(1_000_000);
  const shown = { client: `${"x".repeat(256)}…` };
  expect(filter(`client=${long}`).passes("handshake", shown)).toBe(true);
  expect(filter(`client=${"x".repeat(256)}`).passes("handshake", shown)).toBe(false);
  expect(filter("client=a%E2%80%AEb%1B[2J").passes("handshake", { client: "a\ufffdb\ufffd[2J" })).toBe(true);
});
