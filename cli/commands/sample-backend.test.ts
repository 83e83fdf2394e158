import { expect, test } from "vitest";
import { WsClient } from "../../test/fakes/clients.ts";
import { Program, ran } from "../../test/fakes/program.ts";

test("answers, says where it is, and ends with 0 when it is told to", async () => {
  const program = new Program(["sample-backend", "--port", "0", "--name", "pod-7"]);
  await program.says(/http:\/\/127\.0\.0\.1:\d+\/\n/);
  const [, port] = /:(\d+)\/\n/.exec(program.stderr) ?? [];
  const client = await WsClient.open(`ws://127.0.0.1:${port}/name`);
  expect(await client.message()).toBe("pod-7");
  const taken = await ran("sample-backend", "--port", port ?? "");
  expect(taken.ended).toBe(69);
  expect(taken.stderr).toContain("is in use by another process; choose another with --port");
  program.signal("SIGTERM");
  expect((await client.close()).code).toBe(1001);
  expect(await program.exit()).toBe(0);
});
