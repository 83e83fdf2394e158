import { expect, test } from "vitest";
import type { Log } from "../../runtime/log.ts";
import { Asides } from "./asides.ts";
import type { LocatedProblem } from "../translate/translation.ts";

function bench(): { asides: Asides; lines: string[] } {
  const lines: string[] = [];
  const line = (fields: object, message: string): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { debug: line, info: line, warn: line, error: line };
  return { asides: new Asides(log), lines };
}

const aside = (client: string): LocatedProblem => ({
  reason: "ApiKeyInvalid",
  object: "Secret demo/b",
  at: `data.${client}`,
  message: "is the same key as that of alice in Secret a",
});

test("what the status may not say is in the log, once until it is mended", () => {
  const { asides, lines } = bench();
  asides.tell("demo/chat", [aside("bob")]);
  asides.tell("demo/chat", [aside("bob")]);
  expect(lines).toEqual([
    'API key left out {"proxy":"demo/chat","object":"Secret demo/b","field":"data.bob","problem":"is the same key as that of alice in Secret a"}',
  ]);
  asides.tell("demo/chat", [aside("bob"), aside("carol")]);
  expect(lines).toHaveLength(2);
  asides.tell("demo/chat", []);
  asides.tell("demo/chat", [aside("bob")]);
  expect(lines).toHaveLength(3);
  asides.forget("demo/chat");
  asides.tell("demo/chat", [aside("bob")]);
  expect(lines).toHaveLength(4);
});

test("of very many the first are told, and how many more there are", () => {
  const { asides, lines } = bench();
  asides.tell(
    "demo/chat",
    Array.from({ length: 1000 }, (_, index) => aside(`client-${index}`)),
  );
  expect(lines).toHaveLength(21);
  expect(lines[20]).toBe('more API keys left out {"proxy":"demo/chat","more":980}');
});
