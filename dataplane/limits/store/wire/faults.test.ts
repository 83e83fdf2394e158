import { ConnectionTimeoutError, SimpleError, SocketClosedUnexpectedlyError } from "@redis/client";
import { expect, test } from "vitest";
import { causeOf, faultOf } from "./faults.ts";

test.each([
  ["NOSCRIPT No matching script.", "NoScript", "it does not know the script"],
  [
    "READONLY You can't write against a read only replica. script: 1f, on @user_script:1.",
    "Elsewhere",
    "it is a read-only replica",
  ],
  [
    "ERR Error running script (call to f_1f): @user_script:1: @user_script: 1: -READONLY You can't write against a read only replica.",
    "Elsewhere",
    "it is a read-only replica",
  ],
  [
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "Elsewhere",
    "it is a replica that lost its master",
  ],
  ["NOAUTH Authentication required.", "Elsewhere", "it wants a password"],
  [
    "WRONGPASS invalid username-password pair or user is disabled.",
    "Elsewhere",
    "it refuses the user name or the password",
  ],
  [
    "NOPERM User gateway has no permissions to run the 'evalsha' command",
    "Elsewhere",
    "its user may not do what is needed",
  ],
  [
    "ERR The user executing the script can't run this command or subcommand script: 1f, on @user_script:1.",
    "Elsewhere",
    "its user may not do what is needed",
  ],
  [
    "ERR ACL failure in script: User default has no permissions to run the 'hincrby' command script: on @user_script:1.",
    "Elsewhere",
    "its user may not do what is needed",
  ],
  [
    "ERR Error running script (call to f_1f): @user_script:1: @user_script: 1: The user executing the script can't run this command or subcommand",
    "Elsewhere",
    "its user may not do what is needed",
  ],
  [
    "OOM command not allowed when used memory > 'maxmemory'. script: 1f, on @user_script:1.",
    "Later",
    "its memory is full (maxmemory)",
  ],
  [
    "ERR Error running script (call to f_1f): @user_script:1: -OOM command not allowed when used memory > 'maxmemory'.",
    "Later",
    "its memory is full (maxmemory)",
  ],
  ["LOADING Redis is loading the dataset in memory", "Later", "it is loading its data"],
  [
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "Later",
    "another script keeps it busy",
  ],
  ["CLUSTERDOWN Hash slot not served", "Later", "the cluster is down"],
  ["TRYAGAIN Multiple keys request during rehashing of slot", "Later", "the cluster is moving the keys"],
  ["ASK 3999 127.0.0.1:6381", "Later", "the cluster is moving the keys"],
  ["MOVED nonsense", "Later", "another node of the cluster has the keys"],
  ["MOVED 1 a:99999", "Later", "another node of the cluster has the keys"],
  [
    "WRONGTYPE Operation against a key holding the wrong kind of value",
    "Call",
    "it answered WRONGTYPE Operation against a key holding the wrong kind of value",
  ],
  ["ERR ASKED for OOM without a dash in front", "Call", "it answered ERR ASKED for OOM without a dash in front"],
])("%s → %s", (text, kind, cause) => {
  expect(faultOf(text)).toMatchObject({ kind, cause });
});

test.each([
  ["MOVED 3999 127.0.0.1:6381", "127.0.0.1", 6381],
  ["MOVED 3999 node-2.valkey.demo.svc:6379", "node-2.valkey.demo.svc", 6379],
  ["MOVED 3999 2001:db8::1:6381", "2001:db8::1", 6381],
  ["MOVED 3999 :6381", "", 6381],
  ["MOVED 3999 ?:6381", "", 6381],
])("%s leads to the node", (text, host, port) => {
  expect(faultOf(text)).toMatchObject({ kind: "Moved", to: { host, port } });
});

test("a server that repeats the login in its answer does not bring it into the log", () => {
  const old = "ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `gateway`, `s3cret`, ";
  for (const cause of [faultOf(old).cause, causeOf(new SimpleError(old))]) {
    expect(cause).toBe("it does not know the command HELLO: Redis 6.2 or newer is needed, and not Sentinel");
  }
  expect(faultOf("ERR syntax, with args beginning with: `s3cret`").cause).toBe("it answered ERR syntax");
});

test("a text of any length and form is told in a bounded line", () => {
  const { cause } = faultOf(`ERR \u001b[2J\r\n${"x".repeat(1_000_000)}`);
  expect(cause.length).toBeLessThan(200);
  for (const unprintable of ["\r", "\n", "\u001b"]) expect(cause).not.toContain(unprintable);
  expect(causeOf(new Error("y".repeat(1_000_000))).length).toBeLessThan(200);
});

test.each([
  [Object.assign(new AggregateError([]), { code: "ECONNREFUSED" }), "it refuses connections"],
  [Object.assign(new Error("getaddrinfo"), { code: "ENOTFOUND" }), "its name has no address"],
  [new SocketClosedUnexpectedlyError(), "it closed the connection"],
  [new ConnectionTimeoutError(), "it did not answer in time"],
  [
    Object.assign(new Error("Hostname/IP does not match"), { code: "ERR_TLS_CERT_ALTNAME_INVALID" }),
    "its certificate is for another name",
  ],
  [Object.assign(new AggregateError([]), { code: "ENEW" }), "ENEW"],
])("%s is told in plain words", (error, cause) => {
  expect(causeOf(error)).toBe(cause);
});
