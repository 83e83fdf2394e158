import { expect, test } from "vitest";
import { ALICE } from "../../test/fakes/manifests.ts";
import { Program } from "../../test/fakes/program.ts";
import { until } from "../../test/fakes/sockets.ts";
import { Standalone } from "../../test/fakes/standalone.ts";

test("shows handshakes of a standalone gateway with their steps, and the frames of a client", async () => {
  const bench = await Standalone.start();
  const at = ["--url", `http://127.0.0.1:${bench.adminPort}`, "--token", bench.token];
  await bench.client("a-wrong-key-of-enough-characters").catch(() => {});
  const events = new Program(["trace", ...at]);
  await until("the refusal that was kept", () => events.stdout.includes("401 CredentialInvalid  (earlier)"));
  const frames = new Program(["trace", ...at, "--frames", "--client", "alice", "-o", "json"]);
  await until("the trace of frames", () => frames.stdout.includes('"watching"'));
  const alice = await bench.client(ALICE);
  await bench.alive(alice, "hello");
  await until("the handshake", () => /alice +\S+ +101 Accepted +\d/.test(events.stdout));
  await until("its steps", () => /^ +✓ +backend +\d/m.test(events.stdout));
  await until("both frames", () => frames.stdout.includes("fromBackend"));
  const lines = frames.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toMatchObject([
    { event: "watching", pod: `127.0.0.1:${bench.adminPort}` },
    { event: "frame", direction: "fromClient", opcode: 1, size: 5, verdict: "forwarded" },
    { event: "frame", direction: "fromBackend", opcode: 1, size: 5, verdict: "forwarded" },
  ]);
  expect(frames.stdout).not.toContain("hello");
  alice.socket.close(1000, "bye");
  await until("its end", () =>
    /alice .* closed 1000 \S+ by client after .*; up 1 message with 5 B/.test(events.stdout),
  );
  for (const program of [events, frames]) {
    program.signal("SIGINT");
    expect(await program.exit()).toBe(0);
    expect(program.stderr).toBe(
      program === frames ? "" : `wsproxy trace: watching 127.0.0.1:${bench.adminPort}; Ctrl-C ends it\n`,
    );
  }
}, 30_000);
