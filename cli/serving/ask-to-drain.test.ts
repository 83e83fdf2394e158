import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { listen } from "../../runtime/listen.ts";
import { Mount } from "../../test/fakes/mount.ts";
import { freePort, ran, temporaryFolder } from "../../test/fakes/program.ts";

/** A folder with a token. */
async function folderWithToken(): Promise<string> {
  const mount = await Mount.create();
  await mount.publish({ "admin-token": "a-token-of-enough-characters" });
  return mount.folder;
}

/** A port on which a server answers each request with a status. */
async function answering(status: (request: string) => number): Promise<string> {
  const server = createServer(({ method, url }, response) => void response.writeHead(status(`${method} ${url}`)).end());
  onTestFinished(() => void server.close());
  return String((await listen(server, { host: "127.0.0.1", port: 0 })).port);
}

function hook(folder: string, port: string): ReturnType<typeof ran> {
  return ran("drain", "--config", folder, "--admin-port", port);
}

test("it tries again where the token is not taken over yet, and where too many wait", async () => {
  const asked: string[] = [];
  const answers: Record<string, number[]> = { "POST /drain": [401, 401, 202], "GET /drained": [503, 503, 200] };
  const port = await answering((request) => {
    asked.push(request);
    return answers[request]?.shift() ?? 500;
  });
  const { ended, stderr } = await hook(await folderWithToken(), port);
  expect([ended, stderr]).toEqual([0, "drained\n"]);
  expect(asked).toEqual([...Array<string>(3).fill("POST /drain"), ...Array<string>(3).fill("GET /drained")]);
});

test("a token that is refused for a while is named, and not quoted", async () => {
  const [folder, port] = [await folderWithToken(), await answering(() => 401)];
  const { ended, stderr } = await hook(folder, port);
  const words = `wsproxy drain: the data plane on port ${port} does not take the token of ${folder}\n`;
  expect([ended, stderr]).toEqual([1, words]);
});

test.each([
  [404, "is no data plane that can be drained"],
  [500, "answered 500"],
])("a process that answers %d is named", async (status, words) => {
  const port = await answering(() => status);
  const { ended, stderr } = await hook(await folderWithToken(), port);
  expect([ended, stderr]).toEqual([1, `wsproxy drain: the process on port ${port} ${words}\n`]);
});

test("where no process listens, no token is, or the port is 0, it says so and ends", async () => {
  const port = String(await freePort());
  const silent = await hook(await folderWithToken(), port);
  expect([silent.ended, silent.stderr]).toEqual([
    69,
    `wsproxy drain: no process answers on port ${port} of 127.0.0.1 or ::1\n`,
  ]);
  const empty = await temporaryFolder();
  const without = await hook(empty, port);
  expect([without.ended, without.stderr]).toEqual([69, `wsproxy drain: ${empty}/admin-token does not exist\n`]);
  const none = await hook(empty, "0");
  expect(none.ended).toBe(64);
  expect(none.stderr).toContain("--admin-port 0");
});
