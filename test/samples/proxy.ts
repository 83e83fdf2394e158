/** Samples of WebSocketProxies, judged alike by our schema and by an API server. */

/** A value in a resource: right, or wrong at one field. */
export interface Sample {
  /** For the test's title. */
  readonly name: string;
  readonly spec: object;
  /** The field that is wrong; absent: the resource is right. */
  readonly at?: string;
  /** What both say about it, where these are our own words. */
  readonly message?: string;
}

export const OPEN = { authentication: { require: "None" } } as const;

/** A spec of one route, right as it stands. */
export function specWith(more: {
  readonly route?: object;
  readonly policies?: object;
  readonly spec?: object;
}): object {
  const route = { name: "main", backends: [{ service: "echo", port: 80 }], ...more.route };
  return { policies: { ...OPEN, ...more.policies }, routes: [route], ...more.spec };
}

/** The spec as a resource. */
export function proxyOf(spec: unknown, namespace = "demo"): object {
  return { apiVersion: "wsproxy.dev/v1alpha1", kind: "WebSocketProxy", metadata: { name: "sample", namespace }, spec };
}

/** Values that are right at one place of a spec, and values that are wrong there. */
export interface ValueSamples {
  /** The field that is blamed. */
  readonly at: string;
  /** The spec with a value in its place. */
  readonly spec: (value: unknown) => object;
  readonly good: readonly unknown[];
  readonly bad: readonly unknown[];
}

/** Values that keep one rule of `api/`, and values that break it. */
export interface RuleSamples extends ValueSamples {
  /** In the words of the rule. */
  readonly rule: string;
}

/** A sample of each value. */
export function samplesOf({ at, spec, good, bad }: ValueSamples, message?: string): Sample[] {
  return [
    ...good.map((value) => ({ name: `${at} may be ${shown(value)}`, spec: spec(value) })),
    ...bad.map((value) => ({
      name: `${at} cannot be ${shown(value)}`,
      spec: spec(value),
      at,
      ...(message === undefined ? {} : { message }),
    })),
  ];
}

/** A value in the title of a test. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
