import type { Config } from "../../api/config.ts";
import { resourcesOf, type ProxyObject } from "../../operator/gather/decode.ts";
import { tools } from "../../operator/platform/tools.ts";
import { translate } from "../../operator/translate/translate.ts";
import type { Translation, Warning } from "../../operator/translate/translation.ts";
import type { ManifestDocument } from "../manifests/decode-file.ts";
import type { Finding } from "../manifests/location.ts";

/** A proxy of the manifests, and what the operator's translation made of it. */
export interface Translated {
  /** `<namespace>/<name>` */
  readonly id: string;
  readonly translation: Translation;
}

/** Proxy (`<namespace>/<name>`) → its config in force. */
type ConfigsInForce = (id: string) => Config | undefined;

/** Translates every proxy by itself, in the order of their names, as in a cluster, where each proxy has its own pods. */
export function translateEach(
  manifests: readonly ManifestDocument[],
  inForce: ConfigsInForce = () => undefined,
  adminPort?: number,
): Translated[] {
  return proxiesOf(manifests).map((proxy) => translated(proxy, manifests, inForce, adminPort));
}

/**
 * Translates the proxies of one process, where only one of them can have a port: the proxy whose config in force has
 * it, else the first by name. The others get `ListenerConflict`.
 */
export function translateTogether(
  manifests: readonly ManifestDocument[],
  inForce: ConfigsInForce,
  adminPort?: number,
): Translated[] {
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

/** The mistakes of the translations, each with the location of its object. */
export function located(all: readonly Translated[], manifests: readonly ManifestDocument[]): Finding[] {
  return withLocations(
    all.flatMap(({ translation }) => translation.status.problems),
    manifests,
  );
}

/** The warnings of the translations, in the same form. */
export function warningsOf(all: readonly Translated[], manifests: readonly ManifestDocument[]): Finding[] {
  return withLocations(
    all.flatMap(({ translation }) => translation.warnings),
    manifests,
  );
}

/** The notes of the translations, in the same form. */
export function notesOf(all: readonly Translated[], manifests: readonly ManifestDocument[]): Finding[] {
  return withLocations(
    all.flatMap(({ translation }) => translation.notes),
    manifests,
  );
}

function withLocations(
  mistakes: readonly (Warning & { readonly reason?: string })[],
  manifests: readonly ManifestDocument[],
): Finding[] {
  const locations = new Map(manifests.map(({ id, location }) => [id, location]));
  return mistakes.map(({ object, at, message, ...reason }): Finding => {
    const location = locations.get(object);
    const where =
      location === undefined ? {} : { file: location.file, document: location.document, line: location.line(at) };
    return { ...where, object, field: location?.written(at) ?? at, ...reason, message };
  });
}

function proxiesOf(manifests: readonly ManifestDocument[]): ProxyObject[] {
  const objects = manifests.map(({ object }) => object);
  return objects.filter((object) => object.kind === "WebSocketProxy").sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}

function translated(
  proxy: ProxyObject,
  manifests: readonly ManifestDocument[],
  inForce: ConfigsInForce,
  adminPort: number | undefined,
  portOwner: (port: number) => string | undefined = () => undefined,
): Translated {
  const id = idOf(proxy);
  const resources = resourcesOf(
    proxy,
    manifests.map(({ object }) => object),
  );
  const options = {
    externalNames: true,
    secretsAtHand: true,
    portOwner,
    ...(adminPort === undefined ? {} : { adminPort }),
  };
  return { id, translation: translate(resources, inForce(id), tools, options) };
}

/** Port → the proxy that gets it. */
function portOwners(all: readonly Translated[], inForce: ConfigsInForce): ReadonlyMap<number, string> {
  const owners = new Map<number, string>();
  const keepsPort = ({ id, translation }: Translated): boolean => {
    const port = inForce(id)?.listener.port;
    return port !== undefined && port === translation.config?.listener.port;
  };
  for (const it of [...all.filter(keepsPort), ...all.filter((other) => !keepsPort(other))]) {
    const port = it.translation.config?.listener.port;
    if (port !== undefined && !owners.has(port)) owners.set(port, it.id);
  }
  return owners;
}

function idOf({ namespace, name }: ProxyObject): string {
  return `${namespace}/${name}`;
}
