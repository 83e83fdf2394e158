import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { expect, onTestFinished, test, vi } from "vitest";
import { FakeApiServer, kubeConfigFor } from "../../test/fakes/api-server.ts";
import { Authority } from "../../test/fakes/certificates.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { ipv6 } from "../../test/fakes/ipv6.ts";
import type { ApiError } from "./api-error.ts";
import { KubeClient } from "./client.ts";

const PATH = "/api/v1/namespaces/demo/configmaps";

test.skipIf(!ipv6)(
  "the client reaches an API server at an IPv6 address, and checks its certificate for that",
  async () => {
    const authority = await Authority.create();
    const { certificate: cert, privateKey: key } = await authority.issue({ addresses: ["::1"] });
    const hosts: unknown[] = [];
    const server = createServer({ cert, key }, (request, response) => {
      hosts.push(request.headers.host);
      response.end('{"done":true}');
    }).listen(0, "::1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const config = kubeConfigFor(`https://[::1]:${port}`);
    const trusting = (caData: string): KubeConfig => {
      const made = new KubeConfig();
      const clusters = config.clusters.map((one) => ({ ...one, skipTLSVerify: false, caData }));
      made.loadFromOptions({ ...config, clusters });
      return made;
    };
    const base64 = (pem: string): string => Buffer.from(pem).toString("base64");
    const client = new KubeClient(trusting(base64(authority.ca)), new FakeClock());
    const stranger = new KubeClient(trusting(base64((await Authority.create()).ca)), new FakeClock());
    onTestFinished(() => {
      for (const one of [client, stranger]) one.close();
      server.close();
    });
    expect(await client.request({ path: PATH })).toEqual({ done: true });
    expect(hosts).toEqual([`[::1]:${port}`]);
    await expect(stranger.request({ path: PATH })).rejects.toMatchObject({ reason: "Unreachable" });
  },
);

test.each([
  [false, "Unreachable"],
  [true, "done"],
])(
  "a call to a server that cannot prove its name: NODE_TLS_REJECT_UNAUTHORIZED=0 and insecure-skip-tls-verify %s is %s",
  async (skipTLSVerify, outcome) => {
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    const { certificate: cert, privateKey: key } = await (await Authority.create()).issue({ names: ["other.test"] });
    const server = createServer({ cert, key }, (_, response) => response.end('{"done":true}')).listen(0, "127.0.0.1");
    await once(server, "listening");
    const config = kubeConfigFor(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const clusters = config.clusters.map((one) => ({ ...one, skipTLSVerify }));
    const made = new KubeConfig();
    made.loadFromOptions({ ...config, clusters });
    const client = new KubeClient(made, new FakeClock());
    onTestFinished(() => {
      vi.unstubAllEnvs();
      client.close();
      server.close();
    });
    const answer = client.request({ path: PATH }).then(
      () => "done",
      (error: ApiError) => error.reason,
    );
    expect(await answer).toBe(outcome);
  },
);

test("the token is read from its file anew, so that a new one is used while we run", async () => {
  const server = await FakeApiServer.start();
  const folder = await mkdtemp(join(tmpdir(), "wsproxy-token-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const tokenFile = join(folder, "token");
  await writeFile(tokenFile, "first");
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const authProvider = { name: "tokenFile", config: { tokenFile } };
  const client = new KubeClient(server.kubeConfig({ authProvider }), new FakeClock());
  onTestFinished(() => client.close());
  await client.request({ path: PATH });
  await writeFile(tokenFile, "second\n");
  vi.setSystemTime(Date.now() + 61_000);
  await client.request({ path: PATH });
  expect(server.calls.map(({ headers }) => headers.authorization)).toEqual(["Bearer first", "Bearer second"]);
  expect(server.connections).toBe(1);
});
