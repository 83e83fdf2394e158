import { expect, test } from "vitest";
import { JsonObjects, StatusHistory } from "./status-history.ts";

const STAGE = {
  until: async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    if (!(await holds())) throw new Error(`never: ${what}`);
  },
};

function historyOf(...states: readonly (readonly [at: number, generation: number, observed: number, words: string])[]) {
  const history = new StatusHistory(STAGE, "demo/chat");
  for (const [at, generation, observedGeneration, words] of states) {
    const [status = "", reason = ""] = words.split(" ");
    const condition = { type: "Programmed", status, reason, message: `at ${at}`, observedGeneration } as never;
    history.add({ metadata: { generation }, status: { conditions: [condition] } }, at);
  }
  return history;
}

const HISTORY = historyOf(
  [10, 1, 1, "True Programmed"],
  [20, 2, 1, "True Programmed"],
  [30, 2, 2, "False RollingOut"],
  [40, 2, 2, "False RollingOut"],
  [50, 2, 2, "True Programmed"],
);

test("a course has each state until it changes, beginning with what held", () => {
  expect(HISTORY.course("Programmed")).toEqual(["True Programmed", "False RollingOut", "True Programmed"]);
  expect(HISTORY.course("Programmed", 35)).toEqual(["False RollingOut", "True Programmed"]);
  expect(HISTORY.course("Programmed", 60)).toEqual(["True Programmed"]);
  expect(HISTORY.course("Ready")).toEqual(["absent"]);
});

test("a state is told by its first moment; one about an older spec does not count", async () => {
  expect(await HISTORY.until("Programmed", "False RollingOut")).toEqual({ at: 30, message: "at 30" });
  expect(await HISTORY.until("Programmed", "True Programmed", { since: 15 })).toEqual({ at: 50, message: "at 50" });
  await expect(HISTORY.until("Programmed", "False RolloutStuck")).rejects.toThrow(
    /never: demo\/chat says Programmed False RolloutStuck; it said True Programmed, False RollingOut, True Programmed;/,
  );
});

test("objects that kubectl prints one below the other are told apart", () => {
  const objects = new JsonObjects();
  const text = [{ a: { b: "}" } }, { c: [] }].map((one) => JSON.stringify(one, undefined, 4)).join("\n");
  expect(text.split("\n").flatMap((line) => objects.take(line) ?? [])).toEqual([{ a: { b: "}" } }, { c: [] }]);
});
