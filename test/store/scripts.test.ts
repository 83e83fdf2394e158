import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { describe, expect, onTestFinished, test } from "vitest";
import { OPERATIONS } from "../../dataplane/limits/store/scripts/script.ts";
import { leastRights } from "./example.ts";
import { STORES } from "./programs.ts";
import { commandsOf, exportedScripts } from "./scripts.ts";
import { StoreServer } from "./server.ts";

const scripts = await exportedScripts();
/** What the gateway sends besides what its scripts run. */
const OWN = ["hello", "ping", "eval", "evalsha"];

test("each operation of the data plane has a script, and no other has one", () => {
  expect(scripts.map(([, { operation }]) => operation).toSorted()).toEqual([...OPERATIONS].toSorted());
});

test("the rights of examples/valkey are those that the gateway needs, and no more", () => {
  const granted = leastRights()
    .split(" ")
    .filter((right) => right.startsWith("+"))
    .map((right) => right.slice(1));
  const needed = new Set([...OWN, ...scripts.flatMap(([, script]) => commandsOf(script))]);
  expect(granted.toSorted()).toEqual([...needed].toSorted());
  expect(leastRights()).toMatch(/^~\{demo\/\*\}:\* resetchannels -@all \+/);
});

test("each guide that lists rights lists these", () => {
  const folder = join(import.meta.dirname, "../../docs/guides");
  const texts = readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8"));
  const [, ...words] = leastRights().split(" ");
  const listed = texts.flatMap((text) => [...text.matchAll(/resetchannels -@all[^`\n]*/g)].map(([line]) => line));
  expect(listed.filter((line) => line.trim() !== words.join(" "))).toEqual([]);
});

describe.each(STORES)("on $name", ({ path, lacks }) => {
  test.skipIf(lacks !== undefined)("each script is understood, and has the name that it says", async () => {
    const server = await StoreServer.start([], path);
    for (const [name, { text, sha1 }] of scripts)
      expect([name, await server.ask("SCRIPT", "LOAD", text)]).toEqual([name, sha1]);
  });

  test.skipIf(lacks !== undefined)("the least rights suffice to run them", async () => {
    const server = await StoreServer.start([], path, { users: [`gateway on >little ${leastRights()}`] });
    const { socket } = server.options;
    const gateway = createClient({
      username: "gateway",
      password: "little",
      disableClientInfo: true,
      ...(socket !== undefined && { socket }),
    });
    gateway.on("error", () => {});
    onTestFinished(() => gateway.destroy());
    await gateway.connect();
    for (const [name, { text, sha1 }] of scripts) {
      // Without keys and arguments some fail, each in its own way, and none for want of a right.
      const said = await gateway.sendCommand(["EVAL", text, "0"]).then(String, (error: Error) => error.message);
      expect([name, said]).toEqual([name, expect.not.stringMatching(/NOPERM|permission|compil|NOSCRIPT/i)]);
      const again = await gateway.sendCommand(["EVALSHA", sha1, "0"]).then(String, (error: Error) => error.message);
      expect([name, again]).toEqual([name, expect.not.stringMatching(/NOPERM|permission|NOSCRIPT/i)]);
    }
    // Each command by itself, so that none is missed which the scripts did not reach.
    for (const [command, args] of Object.entries(TRIED))
      expect([command, await gateway.eval(SAYS, { keys: ["{demo/chat}:x"], arguments: [command, ...args] })]).toEqual([
        command,
        "ok",
      ]);
    expect(Object.keys(TRIED).toSorted()).toEqual(
      [...new Set(scripts.flatMap(([, one]) => commandsOf(one)))].toSorted(),
    );
    const other = gateway.eval(SAYS, { keys: ["{other/chat}:x"], arguments: ["hget", "f"] });
    await expect(other.catch((error: Error) => error.message)).resolves.toMatch(/NOPERM|permission|can't access/i);
    for (const more of [["FLUSHALL"], ["KEYS", "*"], ["CONFIG", "GET", "*"], ["GET", "{demo/chat}:x"]])
      await expect(gateway.sendCommand(more)).rejects.toThrow("NOPERM");
  });
});

/** Each command with arguments behind its key. */
const TRIED: Readonly<Record<string, readonly string[]>> = {
  del: [],
  hdel: ["f"],
  hget: ["f"],
  hgetall: [],
  hincrby: ["f", "1"],
  hkeys: [],
  hlen: [],
  hmget: ["f"],
  hset: ["f", "1"],
  hvals: [],
  pexpire: ["1000"],
  time: [],
};
const SAYS = `local said
if ARGV[1] == 'time' then said = redis.pcall('TIME') else said = redis.pcall(ARGV[1], KEYS[1], unpack(ARGV, 2)) end
return type(said) == 'table' and said.err or 'ok'`;
