import { describe, expect, it } from "vitest"
import { ago, clockTime, duration, instant } from "@/lib/time"

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const NOW = Date.parse("2026-01-01T12:00:00Z")

describe("a duration", () => {
  it.each([
    [0, "0s"],
    [999, "0s"],
    [119 * SECOND, "119s"],
    [2 * MINUTE, "2m"],
    [3 * MINUTE + 12 * SECOND, "3m12s"],
    [10 * MINUTE + 59 * SECOND, "10m"],
    [179 * MINUTE, "179m"],
    [3 * HOUR, "3h"],
    [5 * HOUR + 4 * MINUTE, "5h4m"],
    [8 * HOUR + 59 * MINUTE, "8h"],
    [47 * HOUR, "47h"],
    [50 * HOUR, "2d"],
  ])("of %d ms reads as kubectl's age: %s", (milliseconds, text) => {
    expect(duration(milliseconds)).toBe(text)
  })

  it("is never negative, and empty for no time", () => {
    expect([duration(-5000), duration(Number.NaN), duration(Number.POSITIVE_INFINITY)]).toEqual(["0s", "", ""])
  })
})

describe("how long ago", () => {
  it.each([
    ["2026-01-01T11:59:00Z", "60s ago"],
    ["2026-01-01T11:59:59.500Z", "just now"],
    ["2026-01-01T12:00:00.900Z", "just now"],
    ["2026-01-01T12:00:20Z", "in 20s"],
    ["", ""],
    ["nonsense", ""],
  ])("%s is %s", (at, text) => {
    expect(ago(at, NOW)).toBe(text)
  })
})

describe("an instant", () => {
  it("is none for no time", () => {
    expect(instant("")).toBeNaN()
    expect(instant("1970-01-01T00:00:01Z")).toBe(1000)
  })

  it("has its day when it is another one", () => {
    expect(clockTime(NOW, NOW)).toMatch(/^\d\d:00:00$/)
    expect(clockTime(NOW - 48 * HOUR, NOW)).toMatch(/.+ \d\d:00:00$/)
  })
})
