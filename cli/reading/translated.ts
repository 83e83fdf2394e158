import type { Config } from "../../api/config.ts";
import { resourcesOf, type ProxyObject } from "../../operator/gather/decode.ts";
import { tools } from "../../operator/platform/tools.ts";
import { translate } from "../../operator/translate/translate.ts";
import type { Translation } from "../../operator/translate/translation.ts";
import type { Manifest } from "../manifests/decode-file.ts";
import type { Finding } from "../manifests/place.ts";

/** A proxy of the manifests, and what the operator's own translation makes of it. */
export interface Translated {
  readonly id: string;
  readonly translation: Translation;
}

/** The config that a proxy has in force. */
type InForce = (id: string) => Config | undefined;

/** Translates every proxy by itself, in the order of their names: in a cluster each has pods of its own. */
export function translateEach(
  manifests: readonly Manifest[],
  inForce: InForce = () => undefined,
  adminPort?: number,
): Translated[] {
  return proxiesOf(manifests).map((proxy) => translated(proxy, manifests, inForce, adminPort));
}

/**
 * Translates proxies that one process serves, where each port is had once: of two proxies on one port the one that has
 * it in force stays, else the first by name.
 */
export function translateTogether(manifests: readonly Manifest[], inForce: InForce, adminPort?: number): Translated[] {
  const each = translateEach(manifests, inForce, adminPort);
  const owners = portOwners(each, inForce);
  return proxiesOf(manifests).map((proxy, index) => {
    const alone = each[index] ?? translated(proxy, manifests, inForce, adminPort);
    const port = alone.translation.config?.listener.port;
    if (port === undefined || owners.get(port) === alone.id) return alone;
    return translated(proxy, manifests, inForce, adminPort, (wanted) => {
      const owner = owners.get(wanted);
      return owner === alone.id ? undefined : owner;
    });
  });
}

/** The translations' mistakes, each with the place of the object that it is in. */
export function located(all: readonly Translated[], manifests: readonly Manifest[]): Finding[] {
  const places = new Map(manifests.map(({ id, place }) => [id, place]));
  return all.flatMap(({ translation }) =>
    translation.status.problems.map(({ object, at, reason, message }): Finding => {
      const place = places.get(object);
      const where = place === undefined ? {} : { file: place.file, document: place.document, line: place.line(at) };
      return { ...where, object, field: place?.written(at) ?? at, reason, message };
    }),
  );
}

function proxiesOf(manifests: readonly Manifest[]): ProxyObject[] {
  const objects = manifests.map(({ object }) => object);
  return objects.filter((object) => object.kind === "WebSocketProxy").sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}

function translated(
  proxy: ProxyObject,
  manifests: readonly Manifest[],
  inForce: InForce,
  adminPort: number | undefined,
  portOwner: (port: number) => string | undefined = () => undefined,
): Translated {
  const id = idOf(proxy);
  const resources = resourcesOf(
    proxy,
    manifests.map(({ object }) => object),
  );
  const surroundings = {
    externalNames: true,
    secretsAtHand: true,
    portOwner,
    ...(adminPort === undefined ? {} : { adminPort }),
  };
  return { id, translation: translate(resources, inForce(id), tools, surroundings) };
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
