import { describe, expect, it } from "vitest"
import type { Measurement, Threshold } from "@/api/types"
import {
  chosenMetric,
  coded,
  drawable,
  measuredColumns,
  metricsHref,
  noChart,
  tally,
  thresholdText,
  timeRange,
  tokens,
  tookText,
  valueRange,
} from "@/lib/values"

function measurement(second: number, value: string, numbers: (number | null)[], phase = "Successful"): Measurement {
  const time = `2026-01-05T09:00:${String(second).padStart(2, "0")}Z`
  return { phase, started: time, finished: time, value, numbers, message: "" }
}

const over = (value: number): Threshold => ({ condition: "success", operator: ">=", value, index: 0 })

describe("a chart of measurements", () => {
  it("has every measurement with a time, oldest first", () => {
    const drawn = drawable([measurement(9, "[2]", [2]), measurement(4, "[1]", [1]), { ...measurement(0, "", []), started: "", finished: "" }])
    expect(drawn.map((one) => one.index)).toEqual([1, 0])
  })

  it("has a column for each value of a result and gaps where there is none", () => {
    const drawn = drawable([measurement(1, "[1,2]", [1, 2]), measurement(2, "", [], "Error"), measurement(3, "[NaN]", [null])])
    expect(measuredColumns(drawn).values).toEqual([
      [1, null, null],
      [2, null, null],
    ])
  })

  it("shows thresholds that the values are far from", () => {
    const [low, high] = valueRange(drawable([measurement(1, "[0.5]", [0.5])]), [over(0.95)])
    expect(low).toBeLessThan(0.5)
    expect(high).toBeGreaterThan(0.95)
  })

  it("has height and width for one value", () => {
    const [low, high] = valueRange(drawable([measurement(1, "[0]", [0])]), [])
    expect(high).toBeGreaterThan(low)
    const [from, to] = timeRange([100])
    expect(to).toBeGreaterThan(from)
  })

  it.each([
    [[], "Nothing has been measured"],
    [[measurement(1, "", [], "Error")], "ended in an error"],
    [[measurement(1, "[]", [])], "no series"],
    [[measurement(1, '{"a":1}', [])], "not numbers"],
    [[measurement(1, "[NaN]", [null])], "not numbers"],
  ] as const)("says why there is none", (measurements, words) => {
    expect(noChart({ measurements })).toContain(words)
  })

  it("is there once one value is a number", () => {
    expect(noChart({ measurements: [measurement(1, "", [], "Error"), measurement(2, "[0]", [0])] })).toBe("")
  })

  it("names its thresholds", () => {
    expect(thresholdText(over(0.95), 1)).toBe("succeeds >= 0.95")
    expect(thresholdText({ condition: "failure", operator: "<", value: 1, index: 1 }, 2)).toBe("fails < 1 (value 1)")
  })
})

describe("a metric", () => {
  it("opens the query at the time of its last measurement", () => {
    const href = metricsHref({ provider: "prometheus", query: 'up{job="a"}', measurements: [measurement(7, "[1]", [1])] })
    const asked = new URLSearchParams(href.split("?")[1])
    expect(asked.get("g0.expr")).toBe('up{job="a"}')
    expect(asked.get("g0.tab")).toBe("table")
    expect(asked.get("g0.moment_input")).toBe("2026-01-05 09:00:07")
  })

  it("of another provider opens nothing", () => {
    expect(metricsHref({ provider: "web", query: "http://x", measurements: [] })).toBe("")
  })

  it("is chosen by its name, else by its trouble", () => {
    const metrics = [
      { name: "a", phase: "Successful" },
      { name: "b", phase: "Error" },
      { name: "c", phase: "Failed" },
    ]
    expect(chosenMetric(metrics, "a")).toBe("a")
    expect(chosenMetric(metrics, "gone")).toBe("c")
    expect(chosenMetric(metrics.slice(0, 1), "")).toBe("a")
    expect(chosenMetric([], "")).toBe("")
  })

  it("counts its measurements", () => {
    expect(tally({ successful: 1, failed: 0, inconclusive: 0, error: 2 })).toBe("1 successful, 2 errors")
    expect(tally({ successful: 0, failed: 0, inconclusive: 0, error: 0 })).toBe("nothing measured")
  })

  it("tells how long it took", () => {
    expect(tookText({ started: "2026-01-05T09:00:00Z", finished: "2026-01-05T09:00:00Z" })).toBe("under 1s")
    expect(tookText({ started: "2026-01-05T09:00:00Z", finished: "2026-01-05T09:00:30Z" })).toBe("30s")
    expect(tookText({ started: "2026-01-05T09:00:00Z", finished: "" })).toBe("running")
  })
})

describe("text", () => {
  it("between backticks is code", () => {
    expect(coded("saw `[1]` now")).toEqual(["saw ", "[1]", " now"])
    expect(coded("one ` alone")).toEqual(["one ` alone"])
  })

  it.each(['# note\nsum(rate(x_total{a="b\\"c", d=~"e"}[1m])) by (a) > 0.5', "", "a:b{c!='d'} offset 5m or vector(0)", '"unended'])(
    "of the query %j stays what it is in pieces",
    (query) => {
      expect(
        tokens(query)
          .map((token) => token.text)
          .join(""),
      ).toBe(query)
    },
  )

  it("of a query is told apart", () => {
    const kinds = tokens('sum(x{a="b"}[1m]) by (a) > 5 # c').filter((token) => token.kind !== "plain")
    expect(kinds.map((token) => `${token.kind} ${token.text}`)).toEqual([
      "function sum",
      "label a",
      'string "b"',
      "number 1m",
      "keyword by",
      "number 5",
      "comment # c",
    ])
  })
})
