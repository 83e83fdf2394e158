import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";
import { closeAnswer, LONGEST_REASON, PAGE, routePage, sessionPage } from "../api/admin-pages.ts";
import { DEBUG, DEBUG_EVENTS, timelineEvent, traceStep } from "../api/debug.ts";
import { configReport, REPORT } from "../api/report.ts";
import { pageEndpoints } from "../cli/page/page-endpoints.ts";
import { adminEndpoints } from "../dataplane/admin/admin.ts";
import { drainEndpoints } from "../dataplane/admin/drain-endpoints.ts";
import { ProcessDrain } from "../dataplane/admin/process-drain.ts";
import { operatorEndpoints } from "../operator/admin.ts";
import { OperatorMetrics } from "../operator/metrics.ts";
import { systemClock } from "../runtime/clock.ts";
import { TestGateway } from "./fakes/gateway.ts";

const page = readFileSync(new URL("../docs/reference/admin-port.md", import.meta.url), "utf8");
const section = (title: string): string => page.split(`# ${title}\n`)[1]?.split(/^#/m)[0] ?? "";

test("the page of the admin port lists the endpoints there are, and says of each which requests it takes", async () => {
  const { gateway, metrics } = new TestGateway();
  const controller = { ready: true, metrics: new OperatorMetrics([]) } as unknown as Parameters<
    typeof operatorEndpoints
  >[0];
  const [dataplane, operator] = [
    {
      ...adminEndpoints(gateway, metrics, systemClock),
      ...drainEndpoints(new ProcessDrain(), systemClock),
      ...(await pageEndpoints()),
    },
    operatorEndpoints(controller, systemClock),
  ];
  const wanted = Object.entries(dataplane).map(([path, { access }]) => {
    const of = Object.hasOwn(operator, path) ? "data plane, operator" : "data plane";
    return `${path}: ${access === "Open" ? "all" : "holders of the token"}: ${of}`;
  });
  const rows = [...section("Endpoints").matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|/gm)];
  expect(rows.map(([, path, access, of]) => `${path}: ${access}: ${of}`).toSorted()).toEqual(wanted.toSorted());
  expect(Object.keys(operator).filter((path) => !Object.hasOwn(dataplane, path))).toEqual([]);
  expect(Object.values(operator).every(({ access }) => access === "Open")).toBe(true);
  const changing = Object.entries(dataplane).filter(([, { method }]) => method === "POST");
  const paths = changing.map(([path]) => `\`${path}\``).toSorted();
  expect(section("Endpoints")).toContain(`${paths.slice(0, -1).join(", ")} and ${paths.at(-1)} take POST, all others`);
});

test.each([
  ["/config", configReport],
  ["/sessions", sessionPage],
  ["Closing sessions", closeAnswer],
  ["/config/routes", routePage],
] as const)("the page lists the fields of %s, and which may be absent", (path, schema) => {
  const rows = [...section(path).matchAll(/^\| ([a-zA-Z.[\]]+) \| ([^|]+) \|/gm)].filter(
    ([, name]) => name !== "field" && name !== "parameter",
  );
  const listed = rows.map(([, name, type]) => `${name}${type?.includes("may be absent") === true ? "?" : ""}`);
  // Objects of two counts, and entries of a route, are told of in one row.
  expect(listed).toEqual(fieldsOf(schema).filter((name) => !/\.(messages|bytes|path|backends)[.[]/.test(name)));
});

test("the page lists the events of /debug/events, its bounds, and what the policy trace says", () => {
  const named = (title: string): string[] =>
    [...section(title).matchAll(/^\| `(\w+)` \|/gm)].map(([, name = ""]) => name);
  const events = Object.keys(DEBUG_EVENTS).filter((name) => name !== "frame" && name !== "leftOut");
  expect(named("Events").toSorted()).toEqual(events.toSorted());
  for (const bound of [`last ${DEBUG.refusals} refusals`, `every ${DEBUG.heartbeat / 1000} s`, "more than 1 MiB"])
    expect(section("Events")).toContain(bound);
  expect([DEBUG.watchers, DEBUG.unread]).toEqual([5, 1_048_576]);
  const words = [...(timelineEvent.shape.what.description ?? "").matchAll(/`(\w+)`/g)].map(([word]) => word);
  for (const word of words) expect(section("Events")).toContain(word);
  const trace = section("The policy trace");
  const { name, verdict } = traceStep.shape;
  for (const [word] of `${name.description} ${verdict.description}`.matchAll(/`\w+`/g)) expect(trace).toContain(word);
});

test("the example of /config is a report, and the bounds are those of the code", () => {
  const [, example = "{}"] = /```json\n([^]*?)```/.exec(section("/config")) ?? [];
  expect(configReport.strict().parse(JSON.parse(example)).proxies).toHaveLength(1);
  expect(section("/config")).toContain(`At most ${REPORT.largest / 1024} KiB`);
  expect(section("/config")).toContain(`the first ${REPORT.proxies}`);
  expect(section("/config")).toContain(`the first ${REPORT.problems}, of ${REPORT.longestProblem} characters`);
  expect(section("Closing sessions")).toContain(`first ${LONGEST_REASON} bytes`);
  expect(section("Pages")).toContain(`(${PAGE.usual}, at most ${PAGE.most.toLocaleString("en")})`);
});

/** `proxies[].hash?`: every field of a schema, in order. */
function fieldsOf(schema: z.ZodType, prefix = ""): string[] {
  if (schema instanceof z.ZodArray) return fieldsOf(schema.element as z.ZodType, `${prefix}[]`);
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape as Record<string, z.ZodType>).flatMap(([key, value]) => {
    const optional = value instanceof z.ZodOptional;
    const name = prefix === "" ? key : `${prefix}.${key}`;
    return [`${name}${optional ? "?" : ""}`, ...fieldsOf(optional ? (value.unwrap() as z.ZodType) : value, name)];
  });
}
