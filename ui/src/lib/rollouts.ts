/** What the Rollouts room computes from what the server tells. Pure; times are the server's, in milliseconds. */

import type { Action, PodCell, Revision, RolloutDetail, RolloutRow, TrackStep } from "@/api/types"
import { isFound, type Term } from "@/lib/filter"
import { instant } from "@/lib/time"

/** Trouble first. */
const PHASES = ["Degraded", "Error", "InvalidSpec", "Unknown", "Paused", "Progressing", "Healthy"] as const

function rank(phase: string): number {
  const found = (PHASES as readonly string[]).indexOf(phase)
  return found < 0 ? PHASES.indexOf("Unknown") : found
}

/** What a list is narrowed to. phases: none means all. */
export interface Narrowed {
  readonly namespace: string
  readonly terms: readonly Term[]
  readonly phases: ReadonlySet<string>
  readonly favouritesOnly: boolean
}

export interface Wall {
  /** In the order in which they are shown. */
  readonly rows: readonly RolloutRow[]
  /** How many there are by phase, with everything narrowed but the phase. Trouble first. */
  readonly counts: readonly (readonly [phase: string, count: number])[]
  /** How many of those that could be shown have a star. */
  readonly favourites: number
  /** How many there are in the namespace. */
  readonly total: number
}

/** Favourites on top, then trouble, then by key. */
export function wall(all: readonly RolloutRow[], favourites: ReadonlySet<string>, by: Narrowed): Wall {
  const here = all.filter((row) => by.namespace === "" || row.namespace === by.namespace)
  const found = here.filter((row) => isFound(row, by.terms))
  const starred = found.filter((row) => favourites.has(row.key))
  const counted = by.favouritesOnly ? starred : found
  const counts = new Map<string, number>([...by.phases].map((phase) => [phase, 0]))
  for (const row of counted) counts.set(row.phase, (counts.get(row.phase) ?? 0) + 1)
  const rows = by.phases.size === 0 ? [...counted] : counted.filter((row) => by.phases.has(row.phase))
  const star = (row: RolloutRow) => (favourites.has(row.key) ? 0 : 1)
  rows.sort((a, b) => star(a) - star(b) || rank(a.phase) - rank(b.phase) || compare(a.key, b.key))
  return {
    rows,
    counts: [...counts].sort(([a], [b]) => rank(a) - rank(b) || compare(a, b)),
    favourites: starred.length,
    total: here.length,
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The phases of `?phase=Degraded,Paused`. */
export function parsePhases(text: string | null): ReadonlySet<string> {
  return new Set((text ?? "").split(",").filter((phase) => phase !== ""))
}

/** The same with one switched. */
export function switched(phases: ReadonlySet<string>, phase: string): ReadonlySet<string> {
  const next = new Set(phases)
  if (!next.delete(phase)) next.add(phase)
  return next
}

const CARD_WIDTH = 350
const ROOMY_WIDTH = 460

/** How many cards stand beside each other. isRoomy: they are so few that each gets more than it needs. */
export function cardColumns(width: number, gap: number, count: number): { readonly across: number; readonly isRoomy: boolean } {
  const fitting = Math.max(1, Math.floor((width + gap) / (CARD_WIDTH + gap)))
  const across = Math.max(1, Math.min(fitting, count))
  const each = (width - gap * (across - 1)) / across
  return { across, isRoomy: count <= across && each >= ROOMY_WIDTH }
}

export type Move = "next" | "previous" | "right" | "left" | "first" | "last"

/** Which card is next. current: -1 for none. */
export function moved(current: number, move: Move, count: number, columns: number): number {
  if (count === 0) return -1
  const last = count - 1
  if (current < 0) return move === "last" ? last : 0
  const to = (index: number) => Math.min(last, Math.max(0, index))
  switch (move) {
    case "next":
      return current + columns > last && columns > 1 ? current : to(current + columns)
    case "previous":
      return current - columns < 0 ? current : current - columns
    case "right":
      return to(current + 1)
    case "left":
      return to(current - 1)
    case "first":
      return 0
    case "last":
      return last
  }
}

/** The Rollouts of a namespace. */
export function rolloutsPath(namespace: string): string {
  return `/rollouts?ns=${encodeURIComponent(namespace)}`
}

/** Where a Rollout's page is. */
export function rolloutPath(namespace: string, name: string): string {
  return `/rollouts/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`
}

export function podPath(namespace: string, name: string, pod: string): string {
  return `${rolloutPath(namespace, name)}/pods/${encodeURIComponent(pod)}`
}

export function analysisPath(namespace: string, name: string, run: string): string {
  return `${rolloutPath(namespace, name)}/analysis/${encodeURIComponent(run)}`
}

/** An Application's page. key: `namespace/name`; a name alone is in argocd's own namespace. */
export function applicationPath(key: string): string {
  const [namespace = "", name] = key.split("/")
  const [where, what] = name === undefined ? ["argocd", namespace] : [namespace, name]
  return `/applications/${encodeURIComponent(where)}/${encodeURIComponent(what)}`
}

/** `40 %`, or how they differ while pods come: `40 %, 38 % now`. Empty without weights. */
export function weightText(row: Pick<RolloutRow, "setWeight" | "actualWeight">): string {
  const { setWeight, actualWeight } = row
  if (setWeight === null) return actualWeight === null ? "" : `${actualWeight} %`
  if (actualWeight === null || actualWeight === setWeight) return `${setWeight} %`
  return `${setWeight} %, ${actualWeight} % now`
}

/** An image without its registry and folder, which are the same everywhere: `web:2`. A digest is shortened. */
export function shortImage(image: string): string {
  const [name = "", digest] = image.split("@")
  const short = name.slice(name.lastIndexOf("/") + 1)
  return digest === undefined ? short : `${short}@${digest.replace(/^(\w+:)?(\w{8})\w*$/, "$2")}…`
}

/** What a list says about a Rollout beside its phase. */
export function remark(row: Pick<RolloutRow, "why" | "message">): string {
  return row.why === "" ? row.message : row.why
}

/** How long until then: `12 s`, `3 min 05 s`, `2 h 04 min`, `3 d 2 h`; `0 s` for what is over. */
export function left(until: string, now: number): string {
  const then = instant(until)
  if (Number.isNaN(then)) return ""
  const seconds = Math.max(0, Math.ceil((then - now) / 1000))
  const pad = (value: number) => String(value).padStart(2, "0")
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${pad(Math.floor((seconds % 3600) / 60))} min`
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`
}

const KINDS: Readonly<Record<string, string>> = {
  setWeight: "Set weight",
  pause: "Pause",
  analysis: "Analysis",
  experiment: "Experiment",
  setCanaryScale: "Canary scale",
  setHeaderRoute: "Header route",
  setMirrorRoute: "Mirror route",
  plugin: "Plugin",
}

/** A step's kind in words. */
export function stepTitle(step: Pick<TrackStep, "kind">): string {
  return KINDS[step.kind] ?? "Step"
}

/** A step in one phrase: `set weight 66 %`, `pause for 30s`. */
export function stepPhrase(step: Pick<TrackStep, "kind" | "says">): string {
  const title = stepTitle(step)
  return `${title.charAt(0).toLowerCase()}${title.slice(1)} ${step.says}`.trim()
}

/** What comes after the track's steps. */
export function endState(detail: Pick<RolloutDetail, "row" | "track" | "isAborted">): TrackStep["state"] {
  const areAllDone = detail.track.length > 0 && detail.track.every((step) => step.state === "done")
  if (!areAllDone || detail.isAborted) return "next"
  return detail.row.phase === "Healthy" ? "done" : "current"
}

/** What is next and what it waits for, in a sentence; empty when there is no track. */
export function upNext(detail: Pick<RolloutDetail, "row" | "track" | "isAborted">, now: number): string {
  const { track, row } = detail
  if (track.length === 0) return ""
  if (detail.isAborted) return "Nothing more happens by itself: Retry starts again at step 1."
  const index = track.findIndex((step) => step.state === "current")
  const current = track[index]
  if (current === undefined) {
    const end = endState(detail)
    if (end === "done") return "All steps are done; the new version has all of the traffic."
    if (end === "current") return "All steps are done; the old version's pods are replaced."
    return row.phase === "Healthy" ? "" : `Next: ${track[0] === undefined ? "" : stepPhrase(track[0])}.`
  }
  const following = track[index + 1]
  const then = following === undefined ? "full promotion" : stepPhrase(following)
  return `Next: ${then}, ${waitsFor(current, row, now)}.`
}

function waitsFor(step: TrackStep, row: RolloutRow, now: number): string {
  switch (step.kind) {
    case "pause":
      if (step.ends !== "") return instant(step.ends) <= now ? "any moment" : `in ${left(step.ends, now)}`
      return row.phase === "Paused" ? "once somebody promotes it" : "after the pause"
    case "analysis":
      return "once the analysis has passed"
    case "experiment":
      return "once the experiment is over"
    case "setWeight":
    case "setCanaryScale":
      return "once the pods are available"
    default:
      return "once this step is done"
  }
}

/** The action that brings a revision back; null when it makes no sense. */
export function rollbackTo(revision: Revision, actions: readonly Action[]): Action | null {
  const undo = actions.find((action) => action.name === "undo")
  if (undo === undefined || !revision.canRollBack) return null
  const images = [...new Set(revision.replicaSets.flatMap((one) => one.images))].map(shortImage).join(", ")
  return {
    ...undo,
    label: `Roll back to ${revision.revision}`,
    consequence: `Revision ${revision.revision}${images === "" ? "" : ` (${images})`} becomes the wanted one. ${undo.consequence}`,
  }
}

/** What is wrong with some pods: each problem once, with the names of those that have it. */
export function podTroubles(pods: readonly PodCell[]): readonly { readonly problem: string; readonly pods: readonly [string, ...string[]] }[] {
  const found = new Map<string, [string, ...string[]]>()
  for (const pod of pods) {
    if (pod.problem === "" || pod.isReady) continue
    const same = found.get(pod.problem)
    if (same === undefined) found.set(pod.problem, [pod.name])
    else same.push(pod.name)
  }
  return [...found].map(([problem, names]) => ({ problem, pods: names }))
}

/** Whether pods and images of a revision are worth showing without being asked: it runs or has a role. */
export function isInUse(revision: Revision): boolean {
  return revision.replicaSets.some((one) => one.replicas > 0 || one.pods.length > 0 || one.tags.length > 0)
}
