/** A state is a word and a sign before it is a colour. The signs are those of Argo's command line where fonts have them. */

export type Tone = "ok" | "bad" | "busy" | "hold" | "calm"

export interface Look {
  readonly tone: Tone
  readonly sign: string
}

const OK: Look = { tone: "ok", sign: "✔" }
const BAD: Look = { tone: "bad", sign: "✖" }
const WARNING: Look = { tone: "bad", sign: "⚠" }
const BUSY: Look = { tone: "busy", sign: "◌" }
const WAITING: Look = { tone: "busy", sign: "◷" }
const HOLD: Look = { tone: "hold", sign: "‖" }
const UNSURE: Look = { tone: "hold", sign: "?" }
const CALM: Look = { tone: "calm", sign: "•" }

const LOOKS: Readonly<Record<string, Look>> = {
  // Rollouts, ReplicaSets, Argo CD's health
  Healthy: OK,
  Progressing: BUSY,
  Paused: HOLD,
  Suspended: HOLD,
  Degraded: BAD,
  Error: WARNING,
  InvalidSpec: WARNING,
  ReplicaFailure: BAD,
  ScaledDown: CALM,
  Missing: { tone: "hold", sign: "◇" },
  Unknown: UNSURE,
  // Argo CD's sync and operations
  Synced: OK,
  OutOfSync: { tone: "hold", sign: "⇅" },
  Succeeded: OK,
  Terminating: BUSY,
  // analyses and measurements
  Successful: OK,
  Failed: BAD,
  Inconclusive: UNSURE,
  Running: BUSY,
  Pending: WAITING,
  // pods
  Completed: OK,
  ContainerCreating: BUSY,
  PodInitializing: BUSY,
  CrashLoopBackOff: BAD,
  ImagePullBackOff: WARNING,
  ErrImagePull: WARNING,
  OOMKilled: BAD,
  // targets, events
  up: OK,
  down: BAD,
  unknown: UNSURE,
  Normal: CALM,
  Warning: WARNING,
  // requirements
  met: OK,
  broken: BAD,
  open: WAITING,
}

/** The words come from a cluster: `constructor` is one that nobody knows. */
function known(phase: string): Look | undefined {
  return Object.hasOwn(LOOKS, phase) ? LOOKS[phase] : undefined
}

/** How a state looks; a quiet dot for a word nobody knows. A running pod is well, a running analysis is busy. */
export function lookOf(phase: string): Look {
  return known(phase) ?? CALM
}

/** How a pod looks. */
export function lookOfPod(pod: { readonly status: string; readonly isReady: boolean }): Look {
  if (pod.isReady && pod.status === "Running") return OK
  if (pod.status === "Running") return { tone: "hold", sign: "◌" } // it runs and is not ready
  if (pod.status.startsWith("Init:") && !pod.status.includes("Error") && !pod.status.includes("Crash")) return BUSY
  const look = known(pod.status)
  if (look !== undefined) return look
  return /Err|Back|Fail|Kill|Invalid/.test(pod.status) ? BAD : CALM
}
