import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { freePort, Program, ran, temporaryFolder } from "../../test/fakes/program.ts";
import { Arguments, UsageError } from "./arguments.ts";
import { nearest } from "./nearest.ts";
import { runCommandLine } from "../run.ts";

const COMMANDS = ["standalone", "check", "operator", "dataplane", "drain", "sample-backend", "connect"];

/** A command line, run in this process. */
async function typed(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: "", err: "" };
  const stream = (name: "out" | "err"): Writable =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        said[name] += chunk.toString();
        done();
      },
    });
  const code = await runCommandLine(args, {
    stdin: process.stdin,
    out: stream("out"),
    err: stream("err"),
    faults: { report: () => {} },
    signals: () => {
      throw new Error("wrong usage goes no further than the arguments");
    },
  });
  return { code, ...said };
}

test("the help lists every command, and so does a call without any", async () => {
  const help = await ran("--help");
  expect(help.ended).toBe(0);
  expect(help.stderr).toBe("");
  for (const name of COMMANDS) expect(help.stdout).toContain(`  ${name} `);
  expect((await ran("help")).stdout).toBe(help.stdout);
  const nothing = await ran();
  expect([nothing.ended, nothing.stdout, nothing.stderr]).toEqual([64, "", help.stdout]);
});

test.each(COMMANDS)("wsproxy %s explains itself, by --help and by help", async (name) => {
  const [own, asked] = await Promise.all([ran(name, "--help"), ran("help", name)]);
  expect([own.ended, own.stderr]).toEqual([0, ""]);
  expect(own.stdout).toMatch(new RegExp(`^usage: wsproxy ${name}`));
  expect(asked.stdout).toBe(own.stdout);
});

test("the version is that of package.json", async () => {
  const { version } = JSON.parse(await readFile("package.json", "utf8")) as { version: string };
  const said = await ran("--version");
  expect([said.ended, said.stdout, said.stderr]).toEqual([0, `wsproxy ${version}\n`, ""]);
});

test("wrong usage ends with 64, says what to write, and opens nothing", async () => {
  const port = String(await freePort());
  const wrong: [string[], string][] = [
    [["standalon"], "did you mean standalone?"],
    [["--verbose"], "unknown option --verbose"],
    [["standalone"], "-f PATH is missing"],
    [["standalone", "-f"], "-f needs a value: -f PATH"],
    [["sessions", "--url", "http://127.0.0.1:1", "--token", "-n", "demo"], "--token needs a value: --token TOKEN"],
    [["sessions", "--url", "http://127.0.0.1:1", "--token", "--client", "a"], "--token needs a value: --token TOKEN"],
    [["standalone", "-f", "--address", "::1"], "-f needs a value: -f PATH"],
    [["standalone", "-f", "-"], "cannot be watched"],
    [["standalone", "-f", "examples", "--admin-prot", port], "did you mean --admin-port?"],
    [["standalone", "-f", "examples", "--admin-port", "65536"], '--admin-port "65536" is not a port'],
    [["standalone", "-f", "examples", "--admin-port", port, "--address", "chat.example.com"], "is not an address"],
    [["standalone", "-f", "examples", "--admin-port", port, "--address", "[10.0.0.1]"], "is not an address"],
    [["standalone", "-f", "examples", "--admin-port", port, "--admin-address", "[::1]:1"], "write one of them"],
    [["standalone", "-f", "examples", "--admin-address", "[::1]:65536"], '"65536" is not a port'],
    [["dataplane", "--config", ".", "--admin-address", "::1:9090:x"], "is not an address"],
    [["operator", "--dataplane-image", "a", "--admin-address", ":9090"], "is not an address"],
    [["standalone", "-f", "examples", "--admin-port", port, "more"], '"more" is one argument too many'],
    [["standalone", "-f", "examples", "--sample-backend=yes"], "--sample-backend takes no value"],
    [["standalone", "-f", "examples", "--address", "::1", "--address", "::1"], "--address may stand once only"],
    [["check"], "-f PATH is missing"],
    [["check", "-f", "examples", "-o", "yaml"], "write table or json"],
    [["dataplane", "--admin-port", port], "--config is missing"],
    [["dataplane", "--config", ".", "--admin-port", port, "--shutdown-delay", "5"], "is not a duration"],
    [["sample-backend", "--port", "http"], '--port "http" is not a port'],
    [["sample-backend", "--name", "a b"], "--name must be visible ASCII"],
    [["connect"], "URL is missing"],
    [["connect", "http://127.0.0.1:1/"], "is not a WebSocket URL"],
    [["connect", "ws://127.0.0.1:1/", "-H", "no colon"], "write 'name: value'"],
    [["connect", "ws://127.0.0.1:1/", "-s", "a b"], "is not a name"],
  ];
  for (const [args, hint] of wrong) {
    const { code, out, err } = await typed(...args);
    expect([args, code, out]).toEqual([args, 64, ""]);
    expect(err).toContain(hint);
  }
  const whole = await ran("standalone", "-f", "examples", "--admin-port", port, "--adress", "::1");
  expect([whole.ended, whole.stdout]).toEqual([64, ""]);
  expect(whole.stderr).toBe(
    "wsproxy standalone: unknown option --adress; did you mean --address?\n" +
      "usage: wsproxy standalone -f PATH… [options]; more with --help\n",
  );
});

test("a key that was typed wrongly is not repeated", async () => {
  const { code, err } = await typed("connect", "ws://127.0.0.1:1/", "--key", "sécret-value");
  expect(code).toBe(64);
  expect(err).not.toContain("cret-value");
});

test("the options of a command are read as they are declared", () => {
  const specs = { file: { short: "f", value: "PATH", multiple: true, help: "" }, wait: { value: "T", help: "" } };
  const args = new Arguments(specs, ["URL"], ["-f", "a", "--file=-b", "url", "--wait", "1m30s"]);
  expect([args.list("file"), args.operands, args.duration("wait")]).toEqual([["a", "-b"], ["url"], 90_000]);
  expect(() => new Arguments(specs, [], ["--", "--file"])).toThrow(UsageError);
  expect(() => new Arguments(specs, [], ["--constructor"])).toThrow("unknown option --constructor");
});

test.each([
  ["::1", { address: "::1", port: 9090 }],
  ["[::1]", { address: "::1", port: 9090 }],
  ["[::1]:8", { address: "::1", port: 8 }],
  ["::", { address: "::", port: 9090 }],
  ["[::]:0", { address: "::", port: 0 }],
  ["127.0.0.1:8", { address: "127.0.0.1", port: 8 }],
  ["localhost:8", { address: "localhost", port: 8 }],
])("an admin address %s is a place", (typedAddress, place) => {
  const specs = { at: { value: "ADDRESS", help: "" }, port: { value: "PORT", default: "9090", help: "" } };
  expect(new Arguments(specs, [], ["--at", typedAddress]).addressAndPort("at", "port")).toEqual(place);
});

test("a hint names the nearest word, and none where nothing is near", () => {
  expect(nearest("adress", ["address", "admin-port"])).toBe("address");
  expect(nearest("hlep", ["help", "wait"])).toBe("help");
  expect(nearest("verbose", ["address", "admin-port"])).toBeUndefined();
});

test("bin/wsproxy runs through a link to it, from any folder", async () => {
  const folder = await temporaryFolder();
  await symlink(join(process.cwd(), "bin/wsproxy"), join(folder, "first"));
  await symlink("first", join(folder, "second"));
  const program = new Program(["--version"], { file: join(folder, "second") });
  expect(await program.exit()).toBe(0);
  expect(program.stderr).toBe("");
});

test("bin/wsproxy takes a Node of the system that is new enough where the checkout has none", async () => {
  const folder = await temporaryFolder();
  for (const inside of ["bin", "tools", "cli", "node_modules/zod"])
    await mkdir(join(folder, inside), { recursive: true });
  await writeFile(join(folder, "bin/wsproxy"), await readFile("bin/wsproxy"), { mode: 0o755 });
  await writeFile(join(folder, "cli/main.ts"), "console.log(process.argv.slice(2) as string[]);");
  await symlink(process.execPath, join(folder, "tools/node"));
  const env = { PATH: `${join(folder, "tools")}:/usr/bin:/bin` };
  const program = new Program(["a b", "c"], { file: join(folder, "bin/wsproxy"), env });
  expect(await program.exit()).toBe(0);
  expect([program.stdout, program.stderr]).toEqual(["[ 'a b', 'c' ]\n", ""]);
});

test("a reader that goes away is no fault", async () => {
  const program = new Program(["-c", "bin/wsproxy check -f examples/reference | true; echo ${PIPESTATUS[0]}"], {
    file: "/bin/bash",
  });
  await program.exit();
  expect([program.stdout, program.stderr]).toEqual(["0\n", ""]);
});

test("bin/wsproxy says what is missing where there is no Node that is new enough", async () => {
  const folder = await temporaryFolder();
  for (const inside of ["bin", "tools", "checkout/bin", "checkout/node_modules/zod"]) {
    await mkdir(join(folder, inside), { recursive: true });
  }
  await writeFile(join(folder, "checkout/bin/wsproxy"), await readFile("bin/wsproxy"));
  await writeFile(join(folder, "tools/node"), "#!/bin/sh\necho v20.19.2\n");
  for (const file of ["checkout/bin/wsproxy", "tools/node"]) await chmod(join(folder, file), 0o755);
  const env = { PATH: `${join(folder, "tools")}:/usr/bin:/bin` };
  const program = new Program(["--version"], { file: join(folder, "checkout/bin/wsproxy"), env });
  expect(await program.exit()).toBe(69);
  expect(program.stderr).toContain("needs Node 24 or newer, and found v20.19.2");
  expect(program.stderr).toContain("npm ci");
});

test("bin/wsproxy says so where the packages are not installed", async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "bin"));
  await writeFile(join(folder, "bin/wsproxy"), await readFile("bin/wsproxy"), { mode: 0o755 });
  const program = new Program([], { file: join(folder, "bin/wsproxy") });
  expect(await program.exit()).toBe(69);
  expect(program.stderr).toContain("its packages are not installed; type: (cd");
});
