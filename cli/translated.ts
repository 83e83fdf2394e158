import type { Config } from "../api/config.ts";
import { resourcesOf, type KubernetesObject, type ProxyObject } from "../operator/decode.ts";
import { tools } from "../operator/tools.ts";
import { translate } from "../operator/translate/translate.ts";
import type { Translation } from "../operator/translate/translation.ts";
import type { Manifest } from "./manifests/decode-file.ts";
import type { Finding } from "./manifests/place.ts";

/** A proxy of the manifests, and what the operator's own translation makes of it. */
export interface Translated {
  readonly id: string;
  readonly translation: Translation;
}

/** The config that a proxy has in force. */
type InForce = (id: string) => Config | undefined;

/**
 * Translates every proxy, in the order of their names. One process has each port once: of two proxies on one port the
 * one that has it in force stays, else the first by name.
 */
export function translateAll(manifests: readonly Manifest[], inForce: InForce): readonly Translated[] {
  const objects = manifests.map(({ object }) => object);
  const proxies = objects
    .filter((object) => object.kind === "WebSocketProxy")
    .sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
  const first = proxies.map((proxy) => translated(proxy, objects, inForce));
  const owners = portOwners(first, inForce);
  return proxies.map((proxy, index) => {
    const alone = first[index] ?? translated(proxy, objects, inForce);
    const port = alone.translation.config?.listener.port;
    if (port === undefined || owners.get(port) === alone.id) return alone;
    return translated(proxy, objects, inForce, (wanted) => {
      const owner = owners.get(wanted);
      return owner === alone.id ? undefined : owner;
    });
  });
}

/** The translations' mistakes, each with the place of the object that it is in. */
export function located(all: readonly Translated[], manifests: readonly Manifest[]): Finding[] {
  const places = new Map(manifests.map(({ id, place }) => [id, place]));
  return all.flatMap(({ translation }) =>
    translation.status.problems.map(({ object, at, message }): Finding => {
      const place = places.get(object);
      const where = place === undefined ? {} : { file: place.file, document: place.document, line: place.line(at) };
      return { ...where, object, field: at, message };
    }),
  );
}

function translated(
  proxy: ProxyObject,
  objects: readonly KubernetesObject[],
  inForce: InForce,
  portOwner: (port: number) => string | undefined = () => undefined,
): Translated {
  const id = idOf(proxy);
  const surroundings = { externalNames: true, portOwner };
  return { id, translation: translate(resourcesOf(proxy, objects), inForce(id), tools, surroundings) };
}

/** Port → the proxy that gets it. */
function portOwners(all: readonly Translated[], inForce: InForce): ReadonlyMap<number, string> {
  const owners = new Map<number, string>();
  const stays = ({ id, translation }: Translated): boolean => {
    const port = inForce(id)?.listener.port;
    return port !== undefined && port === translation.config?.listener.port;
  };
  for (const it of [...all.filter(stays), ...all.filter((other) => !stays(other))]) {
    const port = it.translation.config?.listener.port;
    if (port !== undefined && !owners.has(port)) owners.set(port, it.id);
  }
  return owners;
}

function idOf({ namespace, name }: ProxyObject): string {
  return `${namespace}/${name}`;
}
