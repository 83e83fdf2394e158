import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { ENGINE, FakeMachine, LOCAL, type Machine } from "./fake-machine.ts";

const machines: FakeMachine[] = [];
afterEach(() => {
  for (const machine of machines.splice(0)) machine.remove();
});

function run(script: string, args: readonly string[], machine: Machine): { status: number | null; said: string } {
  const fake = new FakeMachine(machine);
  machines.push(fake);
  const file = join(import.meta.dirname, script);
  const { status, stdout, stderr } = spawnSync("/bin/bash", [file, ...args], { env: fake.env, encoding: "utf8" });
  return { status, said: stdout + stderr };
}

const lacks = (machine: Machine, ...purposes: readonly string[]): string => {
  const { status, said } = run("lacks.sh", purposes, machine);
  expect(status).toBe(said === "" ? 0 : 1);
  return said.trimEnd();
};
const without = (...names: readonly string[]): Machine => ({
  ...LOCAL,
  commands: LOCAL.commands?.filter((name) => !names.includes(name)) ?? [],
});

describe("a local cluster", () => {
  test("lacks nothing where everything is", () => {
    expect(lacks(LOCAL, "local", "go", "prometheus")).toBe("");
  });

  test("on a bare machine all packages stand in one line, to be pasted", () => {
    const said = lacks({}, "local", "go", "prometheus");
    expect(said.split("\n")).toHaveLength(1);
    expect(said).toMatch(/^missing, install with: apt-get install -y /);
    const page = readFileSync(join(import.meta.dirname, "../../docs/reference/end-to-end-tests.md"), "utf8");
    const [, listed = ""] = /^apt-get install -y ([^`]*)\n```$/m.exec(page) ?? [];
    const packages = listed.split(/[\s\\]+/).toSorted();
    expect(packages.length).toBeGreaterThan(12);
    expect(said.replace(/.*-y /, "").split(" ").toSorted()).toEqual(packages);
  });

  test("what builds the base image is named with the others, and asked for alone only where it is needed", () => {
    expect(lacks(without("runc", "debootstrap"), "local")).toBe(
      "missing, install with: apt-get install -y runc debootstrap",
    );
    expect(lacks(without("debootstrap"), "local")).toBe("");
    expect(lacks(without("debootstrap"), "stand-in")).toBe("missing, install with: apt-get install -y debootstrap");
  });

  test("everything else that is wrong with the machine is in the same line", () => {
    const poor = { ...without("runc"), user: 1000, memoryKib: 1 << 20, freeKib: 1 << 20, debian: false };
    expect(lacks(poor, "local")).toBe(
      "it needs root: it makes namespaces, mounts and cgroups" +
        "; it is for Debian 12 and systems like it: apt-get and dpkg are missing" +
        "; it has 1024 MiB of memory, and 3 GiB are needed" +
        "; /tmp has 1 GiB of free space, and 3 are needed" +
        "; missing, install with: apt-get install -y runc",
    );
  });

  test("up.sh says it, too, and does nothing else", () => {
    const { status, said } = run("../cluster/local/up.sh", [], { user: 1000, scripts: { date: "echo 0" } });
    expect(status).toBe(1);
    expect(said).toMatch(
      /^local cluster: it needs root: .*; missing, install with: apt-get install -y containerd .*\n$/,
    );
  });

  test("a Go of the machine's own needs neither curl nor unzip, and the first build needs room", () => {
    expect(lacks({ commands: ["go"] }, "go")).toBe("");
    expect(lacks({ commands: ["go"], freeKib: 1 << 20 }, "go")).toMatch(/ has 1 GiB of free space, and 8 are needed$/);
    expect(lacks({}, "go")).toBe("missing, install with: apt-get install -y curl unzip");
  });
});

describe("the image", () => {
  test.each([
    ["buildah", { commands: ["buildah"] }],
    ["a Docker that answers", { scripts: { docker: ENGINE.answers } }],
    ["both, of which Docker has no daemon", { commands: ["buildah"], scripts: { docker: ENGINE.hasNoDaemon } }],
  ])("is built with %s", (_what, machine) => {
    expect(lacks(machine, "image")).toBe("");
  });

  test.each([
    ["no Docker", {}, "docker is not installed"],
    ["no daemon", { scripts: { docker: ENGINE.hasNoDaemon } }, "docker does not answer (Cannot connect"],
    ["a daemon that hangs", { scripts: { docker: ENGINE.hangs } }, "docker gave no answer in 1 s"],
  ])("with %s and no buildah: what to install, or to start", (_what, machine, why) => {
    const said = lacks(machine, "image");
    expect(said.split("\n")).toHaveLength(1);
    expect(said).toContain(`the image is built with buildah or with docker, and ${why}`);
    expect(said).toContain("apt-get install -y buildah");
  });

  test("make image says it itself", () => {
    const { status, said } = run("../image/build.sh", ["wsproxy:never"], {
      scripts: { docker: ENGINE.hasNoDaemon, sed: 'exec /usr/bin/sed "$@"' },
    });
    expect(status).toBe(1);
    expect(said).toMatch(/^make image: the image is built with buildah or with docker, .* -y buildah\n$/);
  });
});

test("kind needs routes, and so root or a sudo that asks nothing", () => {
  expect(lacks({ commands: ["ip"] }, "kind")).toBe("");
  expect(lacks({ commands: ["ip", "sudo"], user: 1000 }, "kind")).toBe("");
  expect(lacks({ commands: ["ip"], user: 1000, scripts: { sudo: "exit 1" } }, "kind")).toMatch(
    /^it needs root, or sudo/,
  );
});

test("the Autobahn suite needs a compiler, its headers and pip, all named at once", () => {
  const amd64 = { scripts: { dpkg: "echo amd64" } };
  expect(lacks(amd64, "autobahn")).toBe("missing, install with: apt-get install -y python3 python3-pip gcc libc6-dev");
  expect(lacks({ ...amd64, commands: ["python3", "pip3", "gcc"], files: ["/usr/include/stdio.h"] }, "autobahn")).toBe(
    "",
  );
  expect(lacks({ scripts: { dpkg: "echo arm64" } }, "autobahn")).toMatch(/^the Autobahn suite needs Debian on amd64; /);
});

describe("an engine", () => {
  const found = (scripts: Readonly<Record<string, string>>, ...names: readonly string[]) =>
    run("engine.sh", names, { scripts });

  test("is the first that answers", () => {
    expect(found({ docker: ENGINE.answers, podman: ":" })).toEqual({ status: 0, said: "docker\n" });
    expect(found({ docker: ENGINE.hasNoDaemon, podman: ":" })).toEqual({ status: 0, said: "podman\n" });
    expect(found({ docker: ENGINE.hangs, podman: ":" })).toEqual({ status: 0, said: "podman\n" });
  });

  test("is none where there is a command, and no daemon behind it", () => {
    for (const docker of [ENGINE.hasNoDaemonAndNoStatus, ENGINE.hasNoDaemonAndSaysMore]) {
      const { status, said } = found({ docker });
      expect(status).toBe(1);
      expect(said).toBe(
        "docker does not answer (ERROR: Cannot connect to the Docker daemon); podman is not installed\n",
      );
    }
  });

  test("is podman by its own name only", () => {
    expect(found({ docker: ENGINE.isPodman, podman: ":" })).toEqual({ status: 0, said: "podman\n" });
    expect(found({ docker: ENGINE.isPodman }, "docker")).toEqual({
      status: 1,
      said: "docker is podman under another name\n",
    });
  });
});

test("all that fetching Go lacks is named at once", () => {
  const tools = { sed: 'exec /usr/bin/sed "$@"', uname: "echo x86_64" };
  const { status, said } = run("../apiserver/tools/go.sh", [], { scripts: tools });
  expect(status).toBe(1);
  expect(said).toMatch(/apt-get install -y curl unzip \(or install Go 1\.21 or newer\)\n$/);
});
