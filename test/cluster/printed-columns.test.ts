import { expect, test } from "vitest";
import { cellsOf } from "./printed-columns.ts";

test("cells are told apart by where their titles begin, empty ones and titles of two words too", () => {
  const head = "NAME   READY   ADDRESS   RESOLVED REFS   ROUTES";
  const row = "chat   True              True            2/2";
  expect(cellsOf(head, row)).toEqual({
    NAME: "chat",
    READY: "True",
    ADDRESS: "",
    "RESOLVED REFS": "True",
    ROUTES: "2/2",
  });
});
