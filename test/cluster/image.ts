import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { command } from "./command.ts";
import { ROOT } from "./tools.ts";

const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { readonly version: string };
/** As the chart's default values name it. */
export const IMAGE = `wsproxy:${version}`;
const WITHOUT_SHELL = `${IMAGE}-without-shell`;
const DOCKERFILE = join(import.meta.dirname, "without-shell.Dockerfile");

export interface BuiltImage {
  /** A docker archive of the image without its shells, and the name in there. */
  readonly archive: string;
  readonly name: string;
  readonly facts: ImageFacts;
}

/** What an archive says about the image as we release it. */
export interface ImageFacts {
  readonly user: string;
  readonly entrypoint: readonly string[];
  /** Bytes of all layers, and of the last one: what we put on the base. */
  readonly size: number;
  readonly ownSize: number;
  /** The base is not the real one: no registry could be reached. */
  readonly standIn: boolean;
}

/**
 * Builds the image as `make image` does, and from it the one that runs in the cluster: without any shell, so that
 * whatever needs one is found.
 */
export async function buildImage(folder: string): Promise<BuiltImage> {
  await command(join(ROOT, "test/image/build.sh"), [IMAGE], { aloud: true });
  const builder = (await runs("buildah")) ? buildah : docker; // as build.sh chooses
  const released = join(folder, "image.tar");
  await builder.save(IMAGE, released);
  const facts = await factsOf(released);
  await rm(released);
  const archive = join(folder, "image-without-shell.tar");
  await builder.withoutShell();
  await builder.save(WITHOUT_SHELL, archive);
  await builder.remove(WITHOUT_SHELL);
  return { archive, name: `docker.io/library/${WITHOUT_SHELL}`, facts };
}

const buildah = {
  withoutShell: () =>
    command("buildah", [
      ...["bud", "-q", "--isolation", "chroot", "--format", "docker", "--pull-never"],
      ...["--build-arg", `IMAGE=${IMAGE}`, "-t", WITHOUT_SHELL, "-f", DOCKERFILE, import.meta.dirname],
    ]),
  save: (name: string, file: string) =>
    command("buildah", ["push", "-q", name, `docker-archive:${file}:docker.io/library/${name}`]),
  remove: (name: string) => command("buildah", ["rmi", name]),
};

const docker = {
  withoutShell: () =>
    command("docker", [
      "build",
      "--build-arg",
      `IMAGE=${IMAGE}`,
      "-t",
      WITHOUT_SHELL,
      "-f",
      DOCKERFILE,
      import.meta.dirname,
    ]),
  save: (name: string, file: string) => command("docker", ["save", "-o", file, name]),
  remove: (name: string) => command("docker", ["rmi", name]),
};

interface ImageConfig {
  readonly User?: string;
  readonly Entrypoint?: string[];
  readonly Labels?: Record<string, string>;
}

async function factsOf(archive: string): Promise<ImageFacts> {
  const json = async (file: string): Promise<unknown> => JSON.parse(await command("tar", ["-xOf", archive, file]));
  const [{ Config, Layers }] = (await json("manifest.json")) as [{ Config: string; Layers: string[] }];
  const { config } = (await json(Config)) as { config: ImageConfig };
  const listing = await command("tar", ["-tvf", archive]);
  const sizes = new Map(
    listing.split("\n").map((line) => {
      const [, , size, , , name] = line.split(/ +/);
      return [name, Number(size)];
    }),
  );
  const layers = Layers.map((layer) => sizes.get(layer) ?? Number.NaN);
  return {
    user: config.User ?? "",
    entrypoint: config.Entrypoint ?? [],
    size: layers.reduce((sum, size) => sum + size, 0),
    ownSize: layers.at(-1) ?? Number.NaN,
    standIn: config.Labels?.["wsproxy.dev/base"] === "stand-in",
  };
}

async function runs(tool: string): Promise<boolean> {
  return command(tool, ["--version"]).then(
    () => true,
    () => false,
  );
}
