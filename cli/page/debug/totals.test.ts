import { expect, test } from "vitest";
import { readHandshake, readSessions } from "./events.js";
import { Tally } from "./tally.js";
import { countsIn, ratesBetween } from "./totals.js";

const metrics = (factor: number): string => `# HELP wsproxy_connections Sessions open.
wsproxy_connections{proxy="demo/chat",route="a"} 3
wsproxy_connections{proxy="demo/chat",route="b"} 4
wsproxy_connections_limit{proxy="demo/chat"} 10000
wsproxy_handshakes_total{proxy="demo/chat",route="a",status="101",reason="Accepted"} ${10 * factor}
wsproxy_handshakes_total{proxy="demo/chat",route="",status="401",reason="CredentialMissing"} ${20 * factor}
wsproxy_handshakes_total{proxy="demo/chat",route="",status="404",reason="RouteNotFound"} ${2 * factor}
wsproxy_handshake_duration_seconds_bucket{le="+Inf"} 99
wsproxy_messages_total{direction="from_client"} ${100 * factor}
wsproxy_messages_total{direction="from_backend"} ${300 * factor}
wsproxy_bytes_total{direction="from_client"} ${1000 * factor}
wsproxy_buffered_bytes 1.5e+3
wsproxy_buffered_bytes{x="y"} NaN
wsproxy_broken
process_cpu_seconds_total 5
`;

test("sums up the metrics, and what happens in a second between two looks", () => {
  const [one, two] = [countsIn(metrics(1), 1000), countsIn(metrics(3), 3000)];
  expect(one).toEqual({
    at: 1000,
    open: 7,
    buffered: 1500,
    accepted: 10,
    refused: 22,
    messages: 400,
    bytes: 1000,
    reasons: new Map([
      ["CredentialMissing", 20],
      ["RouteNotFound", 2],
    ]),
  });
  expect(one && two && ratesBetween(one, two)).toEqual({
    accepted: 10,
    refused: 22,
    messages: 400,
    bytes: 1000,
    reasons: [
      ["CredentialMissing", 20],
      ["RouteNotFound", 2],
    ],
  });
});

test("a process that restarted has rates of zero for once, never below", () => {
  const [one, two] = [countsIn(metrics(3), 1000), countsIn(metrics(1), 3000)];
  expect(one && two && ratesBetween(one, two)).toMatchObject({ accepted: 0, refused: 0, messages: 0, reasons: [] });
  expect(one && ratesBetween(one, one)).toBeUndefined();
});

test.each(["", "not found", "{}"])("%j holds no counts of a gateway", (text) => {
  expect(countsIn(text, 0)).toBeUndefined();
});

test("without metrics the counts come from the stream and the list", () => {
  const tally = new Tally();
  const page = (count: number) =>
    readSessions({
      sessions: Array.from({ length: count }, (_, at) => ({
        id: `s${at}`,
        messages: { fromClient: 2, fromBackend: 1 },
        bytes: {},
      })),
    }).sessions;
  tally.handshake(readHandshake({ status: 101, session: "s" }));
  tally.handshake(readHandshake({ status: 401, reason: "CredentialMissing" }));
  tally.handshake(readHandshake({ status: 401, reason: "CredentialMissing", past: true }));
  tally.beginRound();
  tally.listed(page(5)); // a round that failed
  tally.beginRound();
  tally.listed(page(3));
  tally.listed(page(2));
  expect(tally.listedAll(1000)).toEqual({
    at: 1000,
    open: 5,
    messages: 15,
    bytes: 0,
    buffered: undefined,
    accepted: 1,
    refused: 1,
    reasons: new Map([["CredentialMissing", 1]]),
  });
});
