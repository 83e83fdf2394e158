import type { Condition } from "../api/conditions.ts";
import type { Config } from "../api/config.ts";
import { resourcesOf, type ProxyObject } from "../operator/decode.ts";
import { tools } from "../operator/tools.ts";
import { translate } from "../operator/translate/translate.ts";
import type { LocatedProblem, Translation } from "../operator/translate/translation.ts";
import type { Manifest } from "./manifests/decode-file.ts";
import type { Finding } from "./manifests/place.ts";

/** A proxy of the manifests, and what the operator's own translation makes of it. */
export interface Translated {
  readonly id: string;
  readonly translation: Translation;
}

/**
 * Translates every proxy, in the order of their names. One process has each port once: of two proxies on one port the
 * one that has it in force stays, else the first by name.
 */
export function translateAll(
  manifests: readonly Manifest[],
  inForce: (id: string) => Config | undefined,
): readonly Translated[] {
  const objects = manifests.map(({ object }) => object);
  const proxies = objects.filter((object): object is ProxyObject => object.kind === "WebSocketProxy");
  const translated = proxies.map((proxy): Translated => {
    const id = `${proxy.namespace}/${proxy.name}`;
    const translation = translate(resourcesOf(proxy, objects), inForce(id), tools, { externalNames: true });
    return { id, translation };
  });
  translated.sort((a, b) => (a.id < b.id ? -1 : 1));
  return withoutConflicts(translated, inForce);
}

/** The translations' mistakes, each with the place of the object that it is in. */
export function located(translated: readonly Translated[], manifests: readonly Manifest[]): Finding[] {
  const places = new Map(manifests.map(({ id, place }) => [id, place]));
  return translated.flatMap(({ translation }) =>
    translation.status.problems.map(({ object, at, message }): Finding => {
      const place = places.get(object);
      const where = place === undefined ? {} : { file: place.file, document: place.document, line: place.line(at) };
      return { ...where, object, field: at, message };
    }),
  );
}

function withoutConflicts(all: readonly Translated[], inForce: (id: string) => Config | undefined): Translated[] {
  const owners = new Map<number, string>();
  const holds = ({ id, translation }: Translated): boolean =>
    inForce(id) !== undefined && inForce(id)?.listener.port === (translation.config ?? inForce(id))?.listener.port;
  for (const it of [...all.filter(holds), ...all.filter((other) => !holds(other))]) {
    const port = (it.translation.config ?? inForce(it.id))?.listener.port;
    if (port !== undefined && !owners.has(port)) owners.set(port, it.id);
  }
  return all.map((it) => {
    const port = it.translation.config?.listener.port;
    const owner = port === undefined ? undefined : owners.get(port);
    return port === undefined || owner === undefined || owner === it.id ? it : conflicting(it, port, owner);
  });
}

function conflicting({ id, translation }: Translated, port: number, owner: string): Translated {
  const message = `port ${port} is that of ${owner} already; choose another`;
  const problem: LocatedProblem = {
    object: `WebSocketProxy ${id}`,
    reason: "ListenerConflict",
    at: "spec.listener.port",
    message,
  };
  const { conditions, routes, problems } = translation.status;
  const judged = conditions.map((condition): Condition<"Accepted" | "ResolvedRefs"> =>
    condition.type === "Accepted"
      ? { ...condition, status: "False", reason: "ListenerConflict", message: `spec.listener.port: ${message}` }
      : condition,
  );
  return {
    id,
    translation: {
      config: undefined,
      endpoints: { version: 1, backends: {} },
      infra: undefined,
      status: { conditions: judged, routes, problems: [...problems, problem] },
    },
  };
}
