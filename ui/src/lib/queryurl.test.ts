import { describe, expect, it } from "vitest"
import { decodePanels, encodePanels, formatDuration, formatTime, NEW_PANEL, nextRange, parseDuration, parseTime, queryHref, stepOf, type Panel } from "@/lib/queryurl"

const HOUR = 3_600_000

describe("the address of a query", () => {
  it("understands a link of Prometheus 3", () => {
    const [panel] = decodePanels(
      "g0.expr=up%7Bjob%3D%22web%22%7D&g0.show_tree=0&g0.tab=graph&g0.end_input=2026-11-24+19%3A00%3A00&g0.moment_input=2026-11-24+19%3A00%3A00" +
        "&g0.range_input=6h&g0.res_type=fixed&g0.res_step=15&g0.display_mode=stacked&g0.show_exemplars=0",
    )
    expect(panel).toEqual({
      expr: 'up{job="web"}',
      tab: "graph",
      range: 6 * HOUR,
      end: Date.UTC(2026, 10, 24, 19),
      resolution: { type: "fixed", step: 15_000 },
      display: "stacked",
      unit: "none",
    })
  })

  it("understands a link of Prometheus 2", () => {
    const [panel] = decodePanels("?g0.expr=up&g0.tab=0&g0.stacked=1&g0.range_input=1d&g0.step_input=30")
    expect(panel).toMatchObject({ tab: "graph", display: "stacked", range: 24 * HOUR, resolution: { type: "custom", step: 30_000 } })
  })

  it("takes the time of an instant query", () => {
    expect(decodePanels("g0.expr=up&g0.tab=table&g0.moment_input=2026-11-24%2019:00:00")[0]?.end).toBe(Date.UTC(2026, 10, 24, 19))
  })

  it("keeps several panels in order, whatever their numbers", () => {
    expect(decodePanels("g7.expr=c&g0.expr=a&g2.expr=b").map((panel) => panel.expr)).toEqual(["a", "b", "c"])
  })

  it("is one empty panel without a query, and with nonsense what is usual", () => {
    expect(decodePanels("token=x")).toEqual([NEW_PANEL])
    expect(decodePanels("g0.range_input=soon&g0.end_input=never&g0.unit=feet&g0.res_type=fixed&g0.res_step=-1")).toEqual([NEW_PANEL])
  })

  it("reads what it wrote", () => {
    const panels: readonly Panel[] = [
      { ...NEW_PANEL, expr: "sum by (a) (rate(x[5m])) # ü & =", tab: "explain" },
      { expr: "b", tab: "graph", range: 90 * 60_000, end: Date.UTC(2026, 1, 3, 4, 5, 6), resolution: { type: "custom", step: 2500 }, display: "stacked", unit: "bytes" },
    ]
    expect(decodePanels(encodePanels(panels))).toEqual(panels)
    expect(encodePanels([NEW_PANEL])).toBe("")
  })

  it("makes a link for other pages", () => {
    const [panel] = decodePanels(queryHref("up", Date.UTC(2026, 0, 1)).split("?")[1] ?? "")
    expect(panel).toEqual({ ...NEW_PANEL, expr: "up", end: Date.UTC(2026, 0, 1) })
  })
})

describe("durations and times", () => {
  it.each([
    ["1h30m", 90 * 60_000],
    ["2w", 14 * 24 * HOUR],
    ["1d", 24 * HOUR],
    ["15s", 15_000],
    ["250ms", 250],
  ])("reads and writes %s", (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds)
    expect(formatDuration(milliseconds)).toBe(text)
  })

  it("refuses what is none", () => {
    for (const text of ["", "0s", "5", "1m1h", "-5m", "soon"]) expect(parseDuration(text)).toBeNull()
  })

  it("writes hours when days are not whole", () => {
    expect(formatDuration(36 * HOUR)).toBe("36h")
  })

  it("reads times with and without a zone as UTC", () => {
    const at = Date.UTC(2026, 10, 24, 19)
    for (const text of ["2026-11-24 19:00:00", "2026-11-24T19:00:00Z", "2026-11-24T20:00:00+01:00", "2026-11-24T19:00", String(at / 1000)]) {
      expect(parseTime(text)).toBe(at)
    }
    expect(formatTime(at)).toBe("2026-11-24 19:00:00")
    expect(parseTime("yesterday")).toBeNull()
  })
})

describe("the step", () => {
  it("follows the range and the density", () => {
    expect(stepOf({ range: HOUR, resolution: { type: "auto", density: "medium" } })).toBe(14_000)
    expect(stepOf({ range: 60_000, resolution: { type: "auto", density: "high" } })).toBe(1000)
  })

  it("never asks for more points than are answered", () => {
    const range = 14 * 24 * HOUR
    expect(range / stepOf({ range, resolution: { type: "custom", step: 1000 } })).toBeLessThanOrEqual(10_000)
  })

  it("goes through the ranges and stays at their ends", () => {
    expect(nextRange(HOUR, 1)).toBe(2 * HOUR)
    expect(nextRange(50 * 60_000, -1)).toBe(30 * 60_000)
    expect(nextRange(60_000, -1)).toBe(60_000)
  })
})
