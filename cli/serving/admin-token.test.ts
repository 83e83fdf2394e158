import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { configOf, endpointsOf } from "../../test/fakes/config.ts";
import { ALICE } from "../../test/fakes/manifests.ts";
import { Mount } from "../../test/fakes/mount.ts";
import { freePort, Program, temporaryFolder } from "../../test/fakes/program.ts";
import { until } from "../../test/fakes/sockets.ts";
import { Standalone } from "../../test/fakes/standalone.ts";
import { newAdminToken, readAdminToken } from "./admin-token.ts";

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});

async function status(port: number, token: string | undefined, path = "/config"): Promise<number> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).status;
}

test("new tokens are 256 bits in base64url, each another", () => {
  const tokens = Array.from({ length: 100 }, newAdminToken);
  for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(new Set(tokens).size).toBe(100);
});

describe("a file with a token", () => {
  const read = async (content: string | Buffer) => {
    const file = join(folder, "token");
    await writeFile(file, content);
    return readAdminToken(file);
  };

  test.each([
    ["alone", "sixteen-letters-", "sixteen-letters-"],
    ["with a line end", "sixteen-letters-\n", "sixteen-letters-"],
    ["with white space around it", "\r\n  sixteen-letters- \t\r\n\n", "sixteen-letters-"],
    [
      "of every visible character",
      "!\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~",
      "!\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~",
    ],
    ["of 512 characters", "x".repeat(512), "x".repeat(512)],
  ])("gives it: %s", async (_, content, token) => {
    expect(await read(content)).toEqual({ token });
  });

  test.each([
    ["an empty file", ""],
    ["white space alone", " \n\n"],
    ["fifteen characters", "fifteen-letters"],
    ["a blank inside", "secret-part-one secret-part-two"],
    ["two lines", "secret-part-one-\nsecret-part-two-\n"],
    ["513 characters", "secret".padEnd(513, "x")],
    ["a megabyte", "secret".padEnd(1_000_000, "x")],
    ["a token and much white space", `secret-token-here${" ".repeat(2000)}`],
    ["characters beyond ASCII", "secret-secret-sécrèt"],
    ["control characters", "secret-secret-\u0000-secret"],
    ["bytes that are no text", Buffer.from("secret-secret-secret".split("").map((it) => it.charCodeAt(0) | 0x80))],
  ])("gives none, and is not quoted: %s", async (_, content) => {
    const found = await read(content);
    expect(found).toEqual({
      token: undefined,
      fault: "malformed",
      problem: `${join(folder, "token")} holds no token: write 16 to 512 visible ASCII characters on one line, without blanks`,
    });
  });

  test("that is not there, or is a folder, is named", async () => {
    const [missing, inside] = [join(folder, "missing"), join(folder, "inside")];
    await mkdir(inside);
    expect(await readAdminToken(missing)).toMatchObject({ fault: "missing", problem: `${missing} does not exist` });
    expect(await readAdminToken(inside)).toMatchObject({
      fault: "unreadable",
      problem: `${inside} cannot be read (EISDIR)`,
    });
  });

  test("without end is read to a bound", async () => {
    expect(await readAdminToken("/dev/zero")).toMatchObject({ fault: "malformed" });
  });
});

describe("wsproxy standalone", () => {
  test("makes a token at each start, prints two links with it to standard error, and has it in no log line", async () => {
    const it = await Standalone.start();
    const { token } = it;
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const links = it.program.stderr.split("\n").filter((line) => line.includes(token));
    const port = String(it.adminPort);
    expect(links.map((line) => line.trim().replaceAll(token, "TOKEN"))).toEqual([
      expect.stringMatching(new RegExp(`http://127\\.0\\.0\\.1:${port}/sessions#token=TOKEN$`)),
      expect.stringMatching(new RegExp(`http://127\\.0\\.0\\.1:${port}/debug#token=TOKEN$`)),
    ]);
    await it.alive(await it.client(ALICE), "hello");
    expect(await it.admin("/sessions")).toContain("alice");
    expect(await status(it.adminPort, undefined, `/sessions?token=${token}`)).toBe(401);
    expect(await status(it.adminPort, "another-token-of-enough-characters")).toBe(401);
    it.program.signal("SIGTERM");
    expect(await it.program.exit()).toBe(0);
    expect(it.program.stdout).not.toContain(token);
    expect(it.program.stdout).toContain("admin port open");
    it.run();
    await it.program.says("#token=");
    expect(it.token).not.toBe(token);
  });

  test("takes the token of a file instead", async () => {
    const it = await Standalone.prepare();
    const file = join(folder, "token");
    await writeFile(file, "a token/of?my=own&16+\n".replace(" ", "-"));
    it.run("--admin-token-file", file);
    await it.program.says("sessions http://127.0.0.1:");
    expect(it.program.stderr).toContain("/sessions#token=a-token%2Fof%3Fmy%3Down%2616%2B\n");
    expect(await status(it.adminPort, "a-token/of?my=own&16+")).toBe(200);
  });

  test.each([
    ["short", 64],
    [undefined, 69],
  ])("with %s in the file it ends before anything is opened, and quotes nothing", async (content, code) => {
    const it = await Standalone.prepare();
    const file = join(folder, "token");
    if (content !== undefined) await writeFile(file, content);
    const program = it.run("--admin-token-file", file);
    expect(await program.exit()).toBe(code);
    const words = content === undefined ? "does not exist" : "holds no token: write 16 to 512 visible ASCII";
    expect(program.stderr).toContain(`wsproxy standalone: --admin-token-file ${file} ${words}`);
    expect(program.stderr).not.toContain("short\n");
    expect(program.stdout).toBe("");
  });

  test("without an admin port has no link to print", async () => {
    const it = await Standalone.prepare();
    const program = new Program(["standalone", "-f", it.folder, "--admin-port", "0"]);
    await program.says(`gateway  ws://127.0.0.1:${it.port}  demo/chat\n`);
    program.signal("SIGTERM");
    expect(await program.exit()).toBe(0);
    expect(program.stderr).not.toMatch(/token|admin/);
  });
});

describe("wsproxy dataplane", () => {
  const FILES = {
    "config.json": JSON.stringify(configOf()),
    "endpoints.json": JSON.stringify(endpointsOf([1])),
  };
  const [FIRST, SECOND] = ["the-first-token-of-its-kind", "the-second-token-of-its-kind"];

  async function started(files: Record<string, string>) {
    const [mount, adminPort, port] = [await Mount.create(), await freePort(), await freePort()];
    await mount.publish(files);
    const where = ["--address", "127.0.0.1", "--listener-port", String(port), "--admin-address", "127.0.0.1"];
    const program = new Program(["dataplane", "--config", mount.folder, ...where, "--admin-port", String(adminPort)]);
    await program.logs("admin port open");
    return { mount, adminPort, program };
  }

  test("refuses every closed endpoint while its folder has no token; one that comes is taken, with a config or without", async () => {
    const { mount, adminPort, program } = await started({});
    await program.logs("no admin token: /config and /sessions refuse every request");
    for (const token of [undefined, "", FIRST]) expect(await status(adminPort, token)).toBe(401);
    await mount.publish({ "admin-token": FIRST });
    await until("the token is taken", async () => (await status(adminPort, FIRST)) === 200);
    await program.logs("admin token in force");
  });

  test("takes a new token without a restart, and the old one no more", async () => {
    const { mount, adminPort, program } = await started({ ...FILES, "admin-token": `${FIRST}\n` });
    await until("the first is taken", async () => (await status(adminPort, FIRST)) === 200);
    await mount.publish({ ...FILES, "admin-token": SECOND });
    await until("the second is taken", async () => (await status(adminPort, SECOND)) === 200);
    expect(await status(adminPort, FIRST)).toBe(401);
    await mount.publish(FILES);
    await until("none is taken", async () => (await status(adminPort, SECOND)) === 401);
    expect(program.stdout).not.toMatch(/token-of-its-kind/);
    expect(program.lines("config applied")).toHaveLength(1);
  });

  test("says once that a token cannot be used, without quoting it, and serves on", async () => {
    const { mount, adminPort, program } = await started({ ...FILES, "admin-token": "secret" });
    expect(await program.logs("admin token cannot be used")).toMatchObject({
      level: "warn",
      problem: expect.stringContaining("holds no token"),
    });
    await program.logs("config applied");
    await mount.publish({ ...FILES, "endpoints.json": JSON.stringify(endpointsOf([2])), "admin-token": "secret" });
    await mount.publish({ ...FILES, "admin-token": FIRST });
    await until("a good one is taken", async () => (await status(adminPort, FIRST)) === 200);
    expect(program.lines("admin token cannot be used")).toHaveLength(1);
    expect(program.stdout).not.toContain('secret"');
    expect(await status(adminPort, undefined, "/readyz")).toBe(200);
  });
});
