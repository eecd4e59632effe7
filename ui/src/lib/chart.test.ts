import { expect, it } from "vitest"
import { LINES, revisionColour } from "@/lib/chart"

it("gives a revision its own colour, the same each time, for any number", () => {
  expect(revisionColour(1, "light")).toBe(LINES.light[0])
  expect(revisionColour(2, "light")).not.toBe(revisionColour(1, "light"))
  expect(revisionColour(LINES.dark.length + 1, "dark")).toBe(revisionColour(1, "dark"))
  expect(LINES.dark).toContain(revisionColour(0, "dark"))
})
