/** A rollout's timeline as columns for a chart, and what was true at an instant. Pure; times in milliseconds. */

import type { Timeline, TimelineMark, TimelinePoint } from "@/api/types"
import { instant } from "@/lib/time"

/** A point with its time as a number. */
export interface At<T> {
  readonly at: number
  readonly item: T
}

/** The timeline with times that can be computed with, ascending. */
export interface Times {
  readonly since: number
  readonly revisions: readonly number[]
  readonly points: readonly At<TimelinePoint>[]
  readonly marks: readonly At<TimelineMark>[]
}

export function timesOf(timeline: Timeline): Times {
  const timed = <T extends { readonly at: string }>(items: readonly T[]): readonly At<T>[] =>
    items
      .map((item) => ({ at: instant(item.at), item }))
      .filter((one) => Number.isFinite(one.at))
      .sort((a, b) => a.at - b.at)
  return {
    since: instant(timeline.since),
    revisions: timeline.revisions,
    points: timed(timeline.points),
    marks: timed(timeline.marks),
  }
}

/** What the chart draws: seconds, and columns that hold until the next point. */
export interface StepColumns {
  readonly times: readonly number[]
  readonly setWeight: readonly (number | null)[]
  readonly actualWeight: readonly (number | null)[]
  readonly ready: readonly (readonly (number | null)[])[]
}

/** One instant for each point, and now, up to which the last state reaches. A revision without pods has a gap, before and
 * after which it has none ready. */
export function stepColumns(times: Times, now: number): StepColumns {
  const { points, revisions } = times
  const last = points[points.length - 1]
  const all = last === undefined ? [] : [...points, { at: Math.max(now, last.at), item: last.item }]
  return {
    times: all.map((one) => one.at / 1000),
    setWeight: all.map((one) => one.item.setWeight),
    actualWeight: all.map((one) => one.item.actualWeight),
    ready: revisions.map((_, index) => {
      const has = all.map((one) => (one.item.pods[index] ?? 0) > 0)
      return all.map((one, at) => (has[at] === true ? (one.item.ready[index] ?? 0) : has[at - 1] === true || has[at + 1] === true ? 0 : null))
    }),
  }
}

/** The index of the last item at or before an instant; -1 before the first. */
export function indexAt(items: readonly { readonly at: number }[], at: number): number {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((items[middle]?.at ?? Number.POSITIVE_INFINITY) <= at) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** Everything that was true at an instant. isRecorded: whether somebody looked on by then. */
export interface Instant {
  readonly at: number
  readonly isRecorded: boolean
  readonly phase: string
  readonly setWeight: number | null
  readonly actualWeight: number | null
  readonly ready: readonly { readonly revision: number; readonly ready: number; readonly pods: number }[]
  readonly measurements: Near
  readonly events: Near
}

/** What happened close to an instant, nearest first; else the one thing that is nearest, however far away. */
export interface Near {
  readonly isClose: boolean
  readonly marks: readonly TimelineMark[]
}

/** within: how far a mark may be away to count as being at that instant. limit: how many are told at most. */
export function instantAt(times: Times, at: number, within: number, limit = 4): Instant {
  const point = times.points[indexAt(times.points, at)]?.item
  const sorted = [...times.marks].sort((a, b) => Math.abs(a.at - at) - Math.abs(b.at - at))
  const near = (isOf: (mark: TimelineMark) => boolean): Near => {
    const all = sorted.filter((mark) => isOf(mark.item))
    const close = all.filter((mark) => Math.abs(mark.at - at) <= within)
    const marks = (close.length > 0 ? close.slice(0, limit) : all.slice(0, 1)).map((mark) => mark.item)
    return { isClose: close.length > 0, marks }
  }
  return {
    at,
    isRecorded: point !== undefined,
    phase: point?.phase ?? "",
    setWeight: point?.setWeight ?? null,
    actualWeight: point?.actualWeight ?? null,
    ready: times.revisions
      .map((revision, index) => ({ revision, ready: point?.ready[index] ?? 0, pods: point?.pods[index] ?? 0 }))
      .filter((one) => one.pods > 0 || one.ready > 0),
    measurements: near((mark) => mark.kind === "measurement"),
    events: near((mark) => mark.kind !== "measurement"),
  }
}

export type Span = "5m" | "30m" | "all" | "update"
export const SPANS: readonly { readonly span: Span; readonly label: string }[] = [
  { span: "5m", label: "5 min" },
  { span: "30m", label: "30 min" },
  { span: "update", label: "Since update" },
  { span: "all", label: "All" },
]

/** When the latest update began or was tried again: before the newest revision's pods appeared. A lost pod is no update. */
export function updateStart(times: Times): number {
  const { points, revisions } = times
  const newest = revisions.length - 1
  const first = points[0]
  if (first === undefined) return times.since
  for (let index = points.length - 1; index > 0; index -= 1) {
    const before = points[index - 1]?.item
    const after = points[index]?.item
    if (before === undefined || after === undefined) continue
    const appeared = (before.pods[newest] ?? 0) === 0 && (after.pods[newest] ?? 0) > 0
    if (appeared) {
      // The update begins with the first point of unrest before its pods are there.
      let start = index
      while (start > 1 && points[start - 1]?.item.phase === "Progressing") start -= 1
      return points[start]?.at ?? first.at
    }
  }
  return first.at
}

/** From when to when is drawn. Never less than ten seconds. */
export function spanOf(times: Times, span: Span, now: number): readonly [number, number] {
  const first = Math.min(times.points[0]?.at ?? now, times.marks[0]?.at ?? now)
  const least = 10_000
  const room = (from: number) => Math.min(from, now - least)
  switch (span) {
    case "5m":
      return [now - 300_000, now]
    case "30m":
      return [now - 1_800_000, now]
    case "update": {
      const start = updateStart(times)
      return [room(start - Math.max(2000, (now - start) * 0.03)), now]
    }
    case "all":
      return [room(first - Math.max(1000, (now - first) * 0.02)), now]
  }
}

/** The revisions that had pods at some time of the span. */
export function revisionsIn(times: Times, span: readonly [number, number]): readonly number[] {
  const [from, to] = span
  const points = times.points.filter((point, index) => point.at <= to && (times.points[index + 1]?.at ?? to) >= from)
  return times.revisions.filter((_, index) => points.some((point) => (point.item.pods[index] ?? 0) > 0))
}

/** A mark at its place: x is 0 to 1 of the span; row keeps marks apart that would cover each other. */
export interface Placed {
  readonly mark: TimelineMark
  readonly at: number
  readonly x: number
  readonly row: number
}

/** The marks of a lane. width: how much of the span a mark covers (0 to 1). Rows beyond the last share it. */
export function lane(
  marks: readonly At<TimelineMark>[],
  span: readonly [number, number],
  width: number,
  rows: number,
): readonly Placed[] {
  const [from, to] = span
  const ends = new Array<number>(rows).fill(Number.NEGATIVE_INFINITY)
  const placed: Placed[] = []
  for (const { at, item } of marks) {
    if (at < from || at > to) continue
    const x = (at - from) / (to - from)
    const free = ends.findIndex((end) => x >= end)
    const row = free === -1 ? rows - 1 : free
    ends[row] = x + width
    placed.push({ mark: item, at, x, row })
  }
  return placed
}

export type MarkShape = "circle" | "cross" | "square" | "triangle" | "diamond" | "tick"
export type MarkTone = "ok" | "bad" | "busy" | "hold" | "calm"

/** A mark is told apart by its shape before its colour. */
export function markLook(mark: Pick<TimelineMark, "kind" | "phase">): { readonly shape: MarkShape; readonly tone: MarkTone } {
  if (mark.kind === "step") return { shape: "tick", tone: "calm" }
  if (mark.kind === "event") {
    return mark.phase === "Warning" ? { shape: "triangle", tone: "bad" } : { shape: "circle", tone: "calm" }
  }
  switch (mark.phase) {
    case "Successful":
      return { shape: "circle", tone: "ok" }
    case "Failed":
      return { shape: "cross", tone: "bad" }
    case "Error":
      return { shape: "triangle", tone: "bad" }
    case "Inconclusive":
      return { shape: "diamond", tone: "hold" }
    default:
      return { shape: "square", tone: "busy" }
  }
}

/** Where the cursor goes with the keyboard: to the next or previous thing that happened, a step, or an end. */
export function stops(times: Times, span: readonly [number, number]): readonly number[] {
  const [from, to] = span
  const all = [...times.points, ...times.marks].map((one) => one.at).filter((at) => at >= from && at <= to)
  return [...new Set([...all, to])].sort((a, b) => a - b)
}

/** The next stop after an instant, or the one before it; an end stays. */
export function nextStop(all: readonly number[], at: number, by: 1 | -1): number {
  if (by === 1) return all.find((one) => one > at) ?? all[all.length - 1] ?? at
  return all.findLast((one) => one < at) ?? all[0] ?? at
}

/** `set weight 33 %, actual weight 25 %`; for reading aloud and for tables. */
export function weights(found: Pick<Instant, "setWeight" | "actualWeight">): string {
  const { setWeight, actualWeight } = found
  if (setWeight === null && actualWeight === null) return "no weights"
  return [setWeight === null ? "" : `set ${setWeight} %`, actualWeight === null ? "" : `actual ${actualWeight} %`]
    .filter((part) => part !== "")
    .join(", ")
}
