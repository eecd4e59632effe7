/** What of measured values can be shown: numbers for a chart, texts for people, and why there is no chart. Pure. */

import type { Measurement, MetricResult, Requirement, Threshold } from "@/api/types"
import { duration, instant } from "@/lib/time"
import { formatTime, queryHref } from "@/lib/queryurl"

/** One measurement that can be drawn; without a number, that there was one. at: milliseconds; index: its place among the measurements. */
export interface Drawn {
  readonly at: number
  readonly values: readonly (number | null)[]
  readonly phase: string
  readonly index: number
}

/** When a measurement counts: when it ended, or began while it runs. NaN for neither. */
export function measuredAt(measurement: Pick<Measurement, "started" | "finished">): number {
  return instant(measurement.finished === "" ? measurement.started : measurement.finished)
}

/** Measurements with a time, oldest first. */
export function drawable(measurements: readonly Measurement[]): readonly Drawn[] {
  return measurements
    .map((one, index) => ({ at: measuredAt(one), values: one.numbers, phase: one.phase, index }))
    .filter((one) => Number.isFinite(one.at))
    .sort((a, b) => a.at - b.at)
}

/** Why there is no chart; empty when there is one. */
export function noChart(metric: Pick<MetricResult, "measurements">): string {
  const { measurements } = metric
  if (measurements.length === 0) return "Nothing has been measured yet."
  if (measurements.some((one) => one.numbers.some((value) => value !== null))) return ""
  if (measurements.every((one) => one.phase === "Error")) return "Every measurement ended in an error, so there is no value to draw."
  if (measurements.every((one) => one.value === "")) return "No measurement has a value, so there is nothing to draw."
  if (measurements.every((one) => one.value === "" || one.value === "[]")) {
    return "The query returned no series, so there is nothing to draw."
  }
  return "The values are not numbers, so they cannot be drawn; they are listed below."
}

/** Columns for a chart: times in seconds, and one column of values for each place of the result. */
export function measuredColumns(drawn: readonly Drawn[]): { times: readonly number[]; values: readonly (readonly (number | null)[])[] } {
  const width = drawn.reduce((most, one) => Math.max(most, one.values.length), 0)
  return {
    times: drawn.map((one) => one.at / 1000),
    values: Array.from({ length: width }, (_, place) => drawn.map((one) => one.values[place] ?? null)),
  }
}

/** The lowest and highest value that must be seen: all that was measured, and the thresholds. With some room. */
export function valueRange(drawn: readonly Drawn[], thresholds: readonly Pick<Threshold, "value">[]): readonly [number, number] {
  const all = [...drawn.flatMap((one) => one.values.filter((value) => value !== null)), ...thresholds.map((one) => one.value)]
  if (all.length === 0) return [0, 1]
  const low = all.reduce((a, b) => Math.min(a, b))
  const high = all.reduce((a, b) => Math.max(a, b))
  const room = high === low ? Math.max(Math.abs(high) * 0.5, 0.5) : (high - low) * 0.15
  const bottom = low >= 0 && low - room < 0 ? Math.min(0, low) : low - room
  return [bottom === low && low !== 0 ? low - room : bottom, high + room]
}

/** The span of time to draw: never of no width. Seconds. */
export function timeRange(times: readonly number[]): readonly [number, number] {
  const first = times[0] ?? 0
  const last = times[times.length - 1] ?? first
  const room = Math.max((last - first) * 0.06, last === first ? 30 : 1)
  return [first - room, last + room]
}

/** `succeeds >= 0.95`, `fails < 1`. With several values in a result: which one. */
export function thresholdText(threshold: Threshold, width: number): string {
  const which = width > 1 ? ` (value ${threshold.index})` : ""
  return `${threshold.condition === "success" ? "succeeds" : "fails"} ${threshold.operator} ${threshold.value}${which}`
}

/** A value in one line for people. */
export function valueText(measurement: Pick<Measurement, "value">): string {
  return measurement.value === "" ? "no value" : measurement.value
}

/** `met`, `broken`, `still open`. */
export function requirementText(state: Requirement["state"]): string {
  switch (state) {
    case "met":
      return "met"
    case "broken":
      return "broken"
    case "open":
      return "still open"
  }
}

/** Where the query can be tried, at the time of the last measurement; empty when it is not PromQL. */
export function metricsHref(metric: Pick<MetricResult, "provider" | "query" | "measurements">): string {
  if (metric.provider !== "prometheus" || metric.query === "") return ""
  const last = metric.measurements[metric.measurements.length - 1]
  const at = last === undefined ? Number.NaN : measuredAt(last)
  return queryHref(metric.query, Number.isNaN(at) ? null : at)
}

/** `14:03:27 UTC`-like time of that link, for its title; empty for now. */
export function linkTime(metric: Pick<MetricResult, "measurements">): string {
  const last = metric.measurements[metric.measurements.length - 1]
  const at = last === undefined ? Number.NaN : measuredAt(last)
  return Number.isNaN(at) ? "" : `${formatTime(at)} UTC`
}

/** Which metric is shown first: the chosen one, or the first that went wrong, or the first. */
export function chosenMetric(metrics: readonly Pick<MetricResult, "name" | "phase">[], wanted: string): string {
  if (metrics.some((metric) => metric.name === wanted)) return wanted
  const wrong = ["Failed", "Error", "Inconclusive"].flatMap((phase) => metrics.filter((metric) => metric.phase === phase))
  return (wrong[0] ?? metrics[0])?.name ?? ""
}

/** `1 successful, 2 errors`; `nothing measured`. */
export function tally(counted: Pick<MetricResult, "successful" | "failed" | "inconclusive" | "error">): string {
  const parts = [
    [counted.successful, "successful"],
    [counted.failed, "failed"],
    [counted.inconclusive, "inconclusive"],
    [counted.error, counted.error === 1 ? "error" : "errors"],
  ].filter(([count]) => count !== 0)
  return parts.length === 0 ? "nothing measured" : parts.map(([count, word]) => `${count} ${word}`).join(", ")
}

/** A sentence in pieces: those at odd places stood between backticks. */
export function coded(text: string): readonly string[] {
  const parts = text.split("`")
  return parts.length % 2 === 1 ? parts : [text]
}

/** How long it took; a measurement is often over in no time. */
export function tookText(measurement: Pick<Measurement, "started" | "finished">): string {
  if (measurement.finished === "") return "running"
  const took = instant(measurement.finished) - instant(measurement.started)
  if (Number.isNaN(took)) return ""
  return took < 1000 ? "under 1s" : duration(took)
}

export type TokenKind = "comment" | "string" | "number" | "keyword" | "function" | "label" | "plain"
export interface Token {
  readonly text: string
  readonly kind: TokenKind
}

const KEYWORDS = new Set(
  "and or unless by without on ignoring group_left group_right offset bool start end inf nan".split(" "),
)
const TOKENS =
  /(?<comment>#[^\n]*)|(?<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`[^`]*`)|(?<number>(?<![\w:])(?:\d+(?:ms|[smhdwy]))+(?!\w)|(?<![\w:])(?:0x[\da-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?!\w))|(?<word>[a-zA-Z_:][\w:]*)(?=\s*(?<next>\(|(?:=~?|!=|!~)\s*["'`])?)/g

/** A query in pieces for colouring; together they are the query. */
export function tokens(query: string): readonly Token[] {
  const found: Token[] = []
  let end = 0
  for (const match of query.matchAll(TOKENS)) {
    if (match.index > end) found.push({ text: query.slice(end, match.index), kind: "plain" })
    found.push({ text: match[0], kind: kindOf(match.groups ?? {}) })
    end = match.index + match[0].length
  }
  if (end < query.length) found.push({ text: query.slice(end), kind: "plain" })
  return found
}

function kindOf(groups: Readonly<Record<string, string | undefined>>): TokenKind {
  if (groups["comment"] !== undefined) return "comment"
  if (groups["string"] !== undefined) return "string"
  if (groups["number"] !== undefined) return "number"
  if (KEYWORDS.has((groups["word"] ?? "").toLowerCase())) return "keyword"
  const next = groups["next"] ?? ""
  if (next === "(") return "function"
  return next === "" ? "plain" : "label"
}
