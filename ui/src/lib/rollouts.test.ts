import { describe, expect, it } from "vitest"
import type { Action, Revision, RolloutRow, TrackStep } from "@/api/types"
import { terms } from "@/lib/filter"
import { parseFavourites } from "@/lib/favourites"
import { applicationPath, cardColumns, endState, left, moved, parsePhases, podTroubles, rollbackTo, shortImage, switched, upNext, wall, weightText } from "@/lib/rollouts"

const NOW = Date.parse("2026-01-01T12:00:00Z")

function row(key: string, phase: string, more: Partial<RolloutRow> = {}): RolloutRow {
  const [namespace = "", name = ""] = key.split("/")
  return {
    key,
    namespace,
    name,
    labels: {},
    strategy: "Canary",
    phase,
    message: "",
    why: "",
    since: "",
    created: "",
    step: 0,
    steps: 3,
    setWeight: 0,
    actualWeight: 0,
    desired: 3,
    ready: 3,
    available: 3,
    updated: 3,
    images: [],
    replicaSets: [],
    ...more,
  }
}

function step(index: number, kind: string, says: string, state: TrackStep["state"], more: Partial<TrackStep> = {}): TrackStep {
  return { index, kind, says, details: [], state, weight: null, ends: "", run: "", runPhase: "", ...more }
}

const ALL = { namespace: "", terms: [], phases: new Set<string>(), favouritesOnly: false }
const ROWS = [row("a/ok", "Healthy"), row("a/bad", "Degraded"), row("b/held", "Paused"), row("b/odd", "Strange"), row("b/ok", "Healthy")]

describe("the wall", () => {
  it("shows favourites, then trouble, then by key", () => {
    const shown = wall(ROWS, new Set(["b/ok"]), ALL)
    expect(shown.rows.map((one) => one.key)).toEqual(["b/ok", "a/bad", "b/odd", "b/held", "a/ok"])
  })

  it("counts phases regardless of the phases that are chosen, and keeps a chosen one at zero", () => {
    const shown = wall(ROWS, new Set(), { ...ALL, phases: new Set(["Healthy", "Error"]) })
    expect(shown.counts).toEqual([
      ["Degraded", 1],
      ["Error", 0],
      ["Strange", 1],
      ["Paused", 1],
      ["Healthy", 2],
    ])
    expect(shown.rows.map((one) => one.key)).toEqual(["a/ok", "b/ok"])
  })

  it("counts what is searched for in the namespace only", () => {
    const shown = wall(ROWS, new Set(["b/ok", "a/ok"]), { ...ALL, namespace: "b", terms: terms("ok"), favouritesOnly: true })
    expect([shown.rows.length, shown.counts, shown.favourites, shown.total]).toEqual([1, [["Healthy", 1]], 1, 3])
  })

  it("reads and switches phases", () => {
    const chosen = parsePhases("Paused,,Error")
    expect([...switched(chosen, "Paused")]).toEqual(["Error"])
    expect([...switched(chosen, "Healthy")]).toEqual(["Paused", "Error", "Healthy"])
    expect(parsePhases(null).size).toBe(0)
  })
})

describe("moving among cards", () => {
  it.each([
    [-1, "next", 0],
    [0, "next", 3],
    [3, "next", 6],
    [5, "next", 5],
    [1, "previous", 1],
    [4, "previous", 1],
    [6, "right", 6],
    [0, "left", 0],
    [2, "last", 6],
  ] as const)("from %i %s to %i of seven in three columns", (from, move, to) => {
    expect(moved(from, move, 7, 3)).toBe(to)
  })

  it("goes nowhere in an empty list", () => {
    expect(moved(-1, "next", 0, 1)).toBe(-1)
  })
})

describe("texts", () => {
  it("says how long is left", () => {
    const in_ = (seconds: number) => left(new Date(NOW + seconds * 1000).toISOString(), NOW)
    expect([in_(-5), in_(11.2), in_(60), in_(3 * 60 + 5), in_(7450), in_(90_000)]).toEqual(["0 s", "12 s", "1 min 00 s", "3 min 05 s", "2 h 04 min", "1 d 1 h"])
    expect(left("", NOW)).toBe("")
  })

  it("shortens images", () => {
    expect(shortImage("registry.example:5000/team/web:1.2")).toBe("web:1.2")
    expect(shortImage("web@sha256:0123456789abcdef")).toBe("web@01234567…")
  })

  it("says both weights only when they differ", () => {
    expect(weightText({ setWeight: 40, actualWeight: 33 })).toBe("40 %, 33 % now")
    expect(weightText({ setWeight: 40, actualWeight: 40 })).toBe("40 %")
    expect(weightText({ setWeight: null, actualWeight: null })).toBe("")
  })

  it("leads to an application", () => {
    expect(applicationPath("argocd/shop web")).toBe("/applications/argocd/shop%20web")
    expect(applicationPath("shop")).toBe("/applications/argocd/shop")
  })
})

describe("what is next", () => {
  const paused = [step(0, "setWeight", "33 %", "done"), step(1, "pause", "for 30s", "current", { ends: "2026-01-01T12:00:12Z" }), step(2, "setWeight", "66 %", "next")]

  it("counts down to the next step", () => {
    expect(upNext({ row: row("a/a", "Paused"), track: paused, isAborted: false }, NOW)).toBe("Next: set weight 66 %, in 12 s.")
    expect(upNext({ row: row("a/a", "Paused"), track: paused, isAborted: false }, NOW + 20_000)).toBe("Next: set weight 66 %, any moment.")
  })

  it("waits for somebody at a pause without an end", () => {
    const track = [step(0, "pause", "until promoted", "current")]
    expect(upNext({ row: row("a/a", "Paused"), track, isAborted: false }, NOW)).toBe("Next: full promotion, once somebody promotes it.")
  })

  it("is Retry when it was aborted", () => {
    expect(upNext({ row: row("a/a", "Degraded"), track: paused, isAborted: true }, NOW)).toContain("Retry")
    expect(endState({ row: row("a/a", "Degraded"), track: paused, isAborted: true })).toBe("next")
  })

  it("is nothing when all is done", () => {
    const done = { row: row("a/a", "Healthy"), track: paused.map((one) => ({ ...one, state: "done" as const })), isAborted: false }
    expect(endState(done)).toBe("done")
    expect(upNext(done, NOW)).toContain("All steps are done")
    expect(endState({ ...done, row: row("a/a", "Progressing") })).toBe("current")
  })
})

describe("rolling back", () => {
  const undo: Action = { name: "undo", label: "Rollback", consequence: "The canary starts again.", refused: "", isDangerous: true }
  const revision: Revision = { revision: 1, replicaSets: [], runs: [], canRollBack: true }

  it("names the revision", () => {
    expect(rollbackTo(revision, [undo])).toMatchObject({ name: "undo", label: "Roll back to 1", consequence: expect.stringContaining("Revision 1 becomes") })
  })

  it("is not offered where it makes no sense", () => {
    expect(rollbackTo({ ...revision, canRollBack: false }, [undo])).toBeNull()
    expect(rollbackTo(revision, [])).toBeNull()
  })
})

describe("favourites", () => {
  it("are what was remembered, if it can be read", () => {
    expect([...parseFavourites('["a/b", 3, "c/d"]')]).toEqual(["a/b", "c/d"])
    expect(parseFavourites("{")).toEqual(new Set())
    expect(parseFavourites(null)).toEqual(new Set())
    expect(parseFavourites('{"a": 1}')).toEqual(new Set())
  })
})

describe("how many cards stand beside each other", () => {
  it.each([
    [1400, 100, 3, false],
    [1400, 3, 3, false],
    [1400, 2, 2, true],
    [1400, 1, 1, true],
    [366, 1, 1, false],
    [366, 9, 1, false],
    [0, 5, 1, false],
  ])("in %d pixels %d cards: %d, with room to spare: %s", (width, count, across, isRoomy) => {
    expect(cardColumns(width, 14, count)).toEqual({ across, isRoomy })
  })

  it("is one for none", () => {
    expect(cardColumns(1400, 14, 0).across).toBe(1)
  })
})

describe("the troubles of pods", () => {
  const pod = (name: string, problem: string, isReady = false) => ({ name, problem, isReady, status: "", ready: "", restarts: 0, node: "", created: "" })

  it("are told once each, with all that have them", () => {
    const troubles = podTroubles([pod("a", "It crashes."), pod("b", ""), pod("c", "No such image."), pod("d", "It crashes.")])
    expect(troubles).toEqual([
      { problem: "It crashes.", pods: ["a", "d"] },
      { problem: "No such image.", pods: ["c"] },
    ])
  })

  it("are none of a pod that is ready again", () => {
    expect(podTroubles([pod("a", "It crashed.", true)])).toEqual([])
  })
})
