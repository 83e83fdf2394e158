import { expect, onTestFinished, test } from "vitest";
import { ALICE } from "../../test/fakes/manifests.ts";
import { ran } from "../../test/fakes/program.ts";
import { Standalone } from "../../test/fakes/standalone.ts";

test("tells of a standalone gateway, and never shows its token", async () => {
  const bench = await Standalone.start();
  onTestFinished(() => bench.program.signal("SIGKILL"));
  await bench.alive(await bench.client(ALICE), "hello");
  const url = `http://127.0.0.1:${bench.adminPort}`;
  const well = await ran("status", "--url", url, "--token", bench.token);
  expect(well.stderr).toBe("");
  expect(well.stdout).toMatch(/^127\.0\.0\.1:\d+ {2}one process$/m);
  expect(well.stdout).toMatch(/^demo\/chat +yes +\S+ +[0-9a-f]{12} +1$/m);
  expect(well.ended).toBe(0);
  await expect(bench.client("not-a-key-of-anyone")).rejects.toThrow(/./);
  await bench.backend.close();
  await expect(bench.client(ALICE)).rejects.toThrow(/./);
  const { stdout, ended } = await ran("status", "--url", url, "--token", bench.token);
  expect(stdout).toMatch(/^401 CredentialInvalid +1 +1 +\d+s ago +- +127\.0\.0\.1 +\S+ +\/$/m);
  expect(stdout).toMatch(/^502 BackendUnreachable +1 +1 +\d+s ago +alice +127\.0\.0\.1 /m);
  expect(stdout).toContain(`  next: wsproxy trace --url ${url} --token "$TOKEN" --refused\n`);
  expect(stdout).not.toContain(bench.token);
  expect(ended).toBe(1);
  const wrong = await ran("status", "--url", url, "--token", "not-the-token");
  expect(wrong.stderr).toContain("does not take this token");
  expect(wrong.ended).toBe(77);
});
