import { describe, expect, it } from "vitest"
import type { Timeline, TimelineMark, TimelinePoint } from "@/api/types"
import {
  indexAt,
  instantAt,
  lane,
  markLook,
  nextStop,
  revisionsIn,
  spanOf,
  stepColumns,
  stops,
  timesOf,
  updateStart,
  weights,
} from "@/lib/timeline"

const START = Date.parse("2026-01-05T09:00:00.000Z")
const at = (seconds: number) => new Date(START + seconds * 1000).toISOString()
const ms = (seconds: number) => START + seconds * 1000

function point(seconds: number, setWeight: number, actualWeight: number, phase: string, ready: (number | null)[], pods = ready): TimelinePoint {
  return { at: at(seconds), setWeight, actualWeight, phase, ready, pods }
}

function mark(seconds: number, kind: TimelineMark["kind"], label: string, phase: string): TimelineMark {
  return { at: at(seconds), kind, label, phase, text: `${label}: text`, href: "" }
}

const TIMELINE: Timeline = {
  since: at(0),
  revisions: [1, 2],
  points: [
    point(0, 100, 100, "Healthy", [4, null]),
    point(60, 33, 0, "Progressing", [4, null]),
    point(61, 33, 0, "Progressing", [3, 0], [3, 2]),
    point(66, 33, 40, "Progressing", [3, 2]),
    point(120, 0, 0, "Degraded", [4, null]),
  ],
  marks: [
    mark(66, "event", "RolloutStepCompleted", "Normal"),
    mark(70, "measurement", "errors", "Failed"),
    mark(60, "event", "RolloutUpdated", "Normal"),
    mark(-30, "event", "Scheduled", "Normal"),
  ],
}
const TIMES = timesOf(TIMELINE)

describe("a timeline", () => {
  it("is in the order of time, and passes over what has none", () => {
    const broken = { ...TIMELINE, marks: [...TIMELINE.marks, { ...mark(0, "event", "x", "Normal"), at: "" }] }
    expect(timesOf(broken).marks.map((one) => one.item.label)).toEqual(["Scheduled", "RolloutUpdated", "RolloutStepCompleted", "errors"])
  })

  it("extends its last state to now", () => {
    const columns = stepColumns(TIMES, ms(200))
    expect(columns.times.map((time) => time - START / 1000)).toEqual([0, 60, 61, 66, 120, 200])
    expect(columns.setWeight.at(-1)).toBe(0)
    expect(columns.actualWeight).toEqual([100, 0, 0, 40, 0, 0])
  })

  it("begins and ends a revision's pods with zero and has a gap elsewhere", () => {
    expect(stepColumns(TIMES, ms(200)).ready[1]).toEqual([null, 0, 0, 2, 0, null])
  })

  it("of nothing has no columns", () => {
    expect(stepColumns(timesOf({ since: "", revisions: [], points: [], marks: [] }), ms(0)).times).toEqual([])
  })

  it("does not go back when now is before its last point", () => {
    expect(stepColumns(TIMES, ms(10)).times.at(-1)).toBe(ms(120) / 1000)
  })
})

describe("at an instant", () => {
  it.each([
    [-1, -1],
    [0, 0],
    [60.5, 1],
    [61, 2],
    [1000, 4],
  ])("%s s the state is that of point %s", (seconds, index) => {
    expect(indexAt(TIMES.points, ms(seconds))).toBe(index)
  })

  it("everything that was true is found", () => {
    const found = instantAt(TIMES, ms(68), 3000)
    expect(found).toMatchObject({ isRecorded: true, phase: "Progressing", setWeight: 33, actualWeight: 40 })
    expect(found.ready).toEqual([
      { revision: 1, ready: 3, pods: 3 },
      { revision: 2, ready: 2, pods: 2 },
    ])
    expect(found.measurements).toMatchObject({ isClose: true, marks: [{ label: "errors" }] })
    expect(found.events.marks.map((one) => one.label)).toEqual(["RolloutStepCompleted"])
    expect(weights(found)).toBe("set 33 %, actual 40 %")
  })

  it("when nothing happened, the nearest thing is told", () => {
    const found = instantAt(TIMES, ms(100), 1000)
    expect(found.measurements).toMatchObject({ isClose: false, marks: [{ label: "errors" }] })
    expect(found.events).toMatchObject({ isClose: false, marks: [{ label: "RolloutStepCompleted" }] })
  })

  it("before the recording, marks are known and the state is not", () => {
    const found = instantAt(TIMES, ms(-30), 1000)
    expect(found).toMatchObject({ isRecorded: false, setWeight: null, ready: [] })
    expect(found.events.marks).toHaveLength(1)
    expect(weights(found)).toBe("no weights")
  })
})

describe("a span", () => {
  it("since the update begins where the weight left its rest", () => {
    expect(updateStart(TIMES)).toBe(ms(60))
    expect(spanOf(TIMES, "update", ms(120))[0]).toBe(ms(58))
  })

  it("since the update passes over a pod that was replaced later", () => {
    const points = [...TIMELINE.points.slice(0, 4), point(120, 100, 100, "Healthy", [null, 4]), point(300, 100, 100, "Progressing", [null, 3])]
    expect(updateStart(timesOf({ ...TIMELINE, points }))).toBe(ms(60))
  })

  it("since the update is everything without an update", () => {
    expect(updateStart({ ...TIMES, points: TIMES.points.slice(0, 1) })).toBe(ms(0))
  })

  it("of all begins with what Kubernetes remembers", () => {
    expect(spanOf(TIMES, "all", ms(120))[0]).toBeLessThan(ms(-30))
  })

  it("is never too narrow to read", () => {
    const young = timesOf({ ...TIMELINE, points: TIMELINE.points.slice(0, 1), marks: [] })
    const [from, to] = spanOf(young, "all", ms(0))
    expect(to - from).toBeGreaterThanOrEqual(10_000)
  })

  it("knows which revisions had pods in it", () => {
    expect(revisionsIn(TIMES, [ms(0), ms(59)])).toEqual([1])
    expect(revisionsIn(TIMES, [ms(70), ms(80)])).toEqual([1, 2])
    expect(revisionsIn(TIMES, [ms(130), ms(150)])).toEqual([1])
  })
})

describe("marks", () => {
  it("that would cover each other get rows of their own, while there are rows", () => {
    const marks = timesOf({ ...TIMELINE, marks: [0, 0, 0, 50].map((seconds) => mark(seconds, "event", "E", "Normal")) }).marks
    expect(lane(marks, [ms(0), ms(100)], 0.1, 2).map((one) => [one.x, one.row])).toEqual([
      [0, 0],
      [0, 1],
      [0, 1],
      [0.5, 0],
    ])
  })

  it("outside of the span are not placed", () => {
    expect(lane(TIMES.marks, [ms(0), ms(65)], 0.1, 2).map((one) => one.mark.label)).toEqual(["RolloutUpdated"])
  })

  it("differ in shape, not in colour only", () => {
    const shapes = ["Successful", "Failed", "Error", "Inconclusive", "Running"].map((phase) => markLook({ kind: "measurement", phase }).shape)
    expect(new Set(shapes).size).toBe(5)
    expect(markLook({ kind: "event", phase: "Warning" }).shape).not.toBe(markLook({ kind: "event", phase: "Normal" }).shape)
  })
})

describe("the keyboard", () => {
  const all = stops(TIMES, [ms(0), ms(100)])

  it("goes from one thing that happened to the next", () => {
    expect(all.map((one) => (one - START) / 1000)).toEqual([0, 60, 61, 66, 70, 100])
    expect(nextStop(all, ms(60), 1)).toBe(ms(61))
    expect(nextStop(all, ms(62), -1)).toBe(ms(61))
  })

  it("stays at the ends", () => {
    expect(nextStop(all, ms(100), 1)).toBe(ms(100))
    expect(nextStop(all, ms(0), -1)).toBe(ms(0))
  })
})
