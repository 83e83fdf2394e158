import { expect, test } from "vitest";
import { RawClient, reasonOf, request, type RawAnswer } from "../fakes/clients.ts";
import { ALICE } from "../fakes/manifests.ts";
import { Program } from "../fakes/program.ts";
import { Standalone } from "../fakes/standalone.ts";

/** File descriptors of the process, some 30 of which it needs for itself. */
const LIMIT = 48;

test("without a file descriptor left handshakes are told to come again, and sessions go on", async () => {
  const it = await Standalone.prepare();
  const command = `ulimit -n ${LIMIT}; exec bin/wsproxy standalone -f "$0" --admin-port 0`;
  const program = new Program(["-c", command, it.folder], { file: "sh" });
  await program.says("gateway  ws://");
  const first = await it.client(ALICE);
  const spare = await RawClient.open(it.port);
  const attempt = async (): Promise<RawAnswer> => {
    const client = await RawClient.send(it.port, request({ headers: { "X-Api-Key": ALICE } }));
    return client.answer();
  };
  let answer = await attempt();
  for (let more = 0; more < LIMIT && answer.status === 101; more += 1) answer = await attempt();
  // A session takes two: where none was left for the client's socket either, there is one now.
  if (Number.isNaN(answer.status)) {
    spare.socket.destroy();
    answer = await attempt();
  }
  expect([answer.status, answer.headers.get("retry-after"), reasonOf(answer)]).toEqual([503, "5", "Overloaded"]);
  await it.alive(first, "hello");
});
