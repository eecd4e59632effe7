import { describe, expect, it } from "vitest"
import { lookOf, lookOfPod } from "@/lib/phases"

describe("how a state looks", () => {
  it.each([
    ["Healthy", "ok"],
    ["Synced", "ok"],
    ["Successful", "ok"],
    ["Degraded", "bad"],
    ["Error", "bad"],
    ["Progressing", "busy"],
    ["Running", "busy"],
    ["Paused", "hold"],
    ["OutOfSync", "hold"],
    ["Inconclusive", "hold"],
    ["ScaledDown", "calm"],
  ])("%s is %s", (phase, tone) => {
    expect(lookOf(phase).tone).toBe(tone)
  })

  it("is quiet for a word nobody knows, whatever the word", () => {
    expect(lookOf("Wandering").tone).toBe("calm")
    expect(lookOf("constructor").tone).toBe("calm")
    expect(lookOf("").tone).toBe("calm")
  })

  it("differs by its sign, not by its colour alone", () => {
    const told = ["Healthy", "Degraded", "Progressing", "Paused", "Unknown", "ScaledDown"].map((phase) => lookOf(phase).sign)
    expect(new Set(told).size).toBe(told.length)
  })
})

describe("how a pod looks", () => {
  it.each([
    ["Running", true, "ok"],
    ["Running", false, "hold"],
    ["Completed", false, "ok"],
    ["ContainerCreating", false, "busy"],
    ["Init:0/2", false, "busy"],
    ["Init:Error", false, "bad"],
    ["Init:CrashLoopBackOff", false, "bad"],
    ["CrashLoopBackOff", false, "bad"],
    ["Terminating", true, "busy"],
    ["CreateContainerConfigError", false, "bad"],
    ["Evicted", false, "calm"],
  ])("%s (ready: %s) is %s", (status, isReady, tone) => {
    expect(lookOfPod({ status, isReady }).tone).toBe(tone)
  })
})
