import { cleanup, render, screen, within } from "@testing-library/react"
import { afterEach, describe, expect, it } from "vitest"
import type { RolloutDetail, TrackStep } from "@/api/types"
import { Track } from "@/views/rollouts/Track"

function step(index: number, more: Partial<TrackStep>): TrackStep {
  return { index, kind: "setWeight", says: "20 %", details: [], state: "next", weight: null, ends: "", run: "", runPhase: "", ...more }
}

function detail(phase: string, track: readonly TrackStep[], more: Partial<RolloutDetail> = {}): RolloutDetail {
  return {
    row: {
      key: "shop/web",
      namespace: "shop",
      name: "web",
      labels: {},
      strategy: "Canary",
      phase,
      message: "",
      why: "",
      since: "",
      created: "",
      step: 1,
      steps: track.length,
      setWeight: 20,
      actualWeight: 17,
      desired: 5,
      ready: 5,
      available: 5,
      updated: 1,
      images: [],
      replicaSets: [],
    },
    track,
    revisions: [],
    containers: [],
    actions: [],
    why: { tone: "good", lines: [], evidence: [], nextStep: "", commands: [], reasons: [] },
    events: [],
    isAborted: false,
    pausedSince: "",
    application: "",
    ...more,
  }
}

const TRACK = [
  step(0, { state: "done", weight: 20 }),
  step(1, { kind: "pause", says: "for 1m", state: "current", ends: new Date(Date.now() + 45_500).toISOString() }),
  step(2, { kind: "analysis", says: "ready", run: "web-2-2", runPhase: "Running" }),
]

describe("the track", () => {
  afterEach(cleanup)

  it("says by words where it stands, and for how long", () => {
    render(<Track detail={detail("Paused", TRACK)} />)
    const steps = within(screen.getByRole("list", { name: "Steps" })).getAllByRole("listitem")
    expect(steps.map((one) => one.querySelector(".step-word")?.textContent)).toEqual(["1. Done", "2. Paused", "3. To come", "To come"])
    expect(steps[1]?.getAttribute("aria-current")).toBe("step")
    expect(screen.getByRole("timer").textContent).toMatch(/^4[56] s left$/)
    expect(screen.getByText(/^Next: analysis ready, in 4[56] s\.$/)).toBeTruthy()
  })

  it("leads to the analysis of a step", () => {
    render(<Track detail={detail("Paused", TRACK)} />)
    expect(screen.getByRole("link").getAttribute("href")).toBe("/rollouts/shop/web/analysis/web-2-2")
  })

  it("measures both weights", () => {
    render(<Track detail={detail("Paused", TRACK)} />)
    expect(screen.getByRole("meter").getAttribute("aria-valuetext")).toBe("17 %, set to 20 %")
  })

  it("says that it was aborted and why", () => {
    const aborted = detail("Degraded", TRACK.map((one) => ({ ...one, state: "next" as const, ends: "" })), { isAborted: true })
    render(<Track detail={{ ...aborted, row: { ...aborted.row, setWeight: 0, actualWeight: 0, message: "failed (1) > failureLimit (0)" } }} />)
    expect(screen.getByText(/new version has 0 %/)).toBeTruthy()
    expect(screen.queryByText(/failureLimit/)).toBeNull() // Why tells it, directly above
    expect(screen.getAllByText(/Not done/)).toHaveLength(3)
  })

  it("shows markup in a step as text", () => {
    render(<Track detail={detail("Paused", [step(0, { says: "<script>alert(1)</script>", state: "current" })])} />)
    expect(document.querySelector("script")).toBeNull()
    expect(screen.getByText("<script>alert(1)</script>")).toBeTruthy()
  })
})
