/** Series as the API answers them, for tables and charts. Pure. */

import { numberOf } from "@/lib/units"

export type Metric = Readonly<Record<string, string>>
export type Sample = readonly [number, string]

export interface Vector {
  readonly resultType: "vector"
  readonly result: readonly { readonly metric: Metric; readonly value?: Sample; readonly histogram?: readonly [number, unknown] }[]
}
export interface Matrix {
  readonly resultType: "matrix"
  readonly result: readonly { readonly metric: Metric; readonly values?: readonly Sample[]; readonly histograms?: readonly unknown[] }[]
}
export interface Single {
  readonly resultType: "scalar" | "string"
  readonly result: Sample
}
export type QueryResult = Vector | Matrix | Single

/** The labels beside the name, sorted. */
export function labelsOf(metric: Metric): readonly (readonly [string, string])[] {
  return Object.entries(metric)
    .filter(([name]) => name !== "__name__")
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

/** A label name as PromQL needs it: quoted when it is not a plain one. */
export function labelName(name: string): string {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : JSON.stringify(name)
}

/** `up{job="x"}`; `{}` for no labels at all. A name that is not a plain one is quoted inside the braces. */
export function seriesName(metric: Metric): string {
  const name = metric["__name__"] ?? ""
  const isPlain = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)
  const parts = labelsOf(metric).map(([label, value]) => `${labelName(label)}=${JSON.stringify(value)}`)
  if (name !== "" && !isPlain) parts.unshift(JSON.stringify(name))
  if (parts.length === 0) return isPlain ? name : "{}"
  return `${isPlain ? name : ""}{${parts.join(", ")}}`
}

/** Labels that all of several series have alike: they tell none from another. None for a single series. */
export function commonLabels(metrics: readonly Metric[]): Metric {
  const [first, ...others] = metrics
  if (first === undefined || others.length === 0) return {}
  return Object.fromEntries(
    labelsOf(first).filter(([name, value]) => others.every((other) => other[name] === value)),
  )
}

/** A series without some labels. */
export function withoutLabels(metric: Metric, labels: Metric): Metric {
  return Object.fromEntries(Object.entries(metric).filter(([name]) => !(name in labels)))
}

/** Columns for a chart: one instant for each step, and for each series a value or a gap. Times in seconds. */
export interface Columns {
  readonly times: readonly number[]
  readonly values: readonly (readonly (number | null)[])[]
}

/** A matrix on the grid of its query. What is not finite cannot be drawn: a gap. start, end, step: milliseconds. */
export function columns(matrix: Matrix, start: number, end: number, step: number): Columns {
  const size = Math.floor((end - start) / step) + 1
  const times = Array.from({ length: size }, (_, index) => (start + index * step) / 1000)
  const values = matrix.result.map((series) => {
    const column = new Array<number | null>(size).fill(null)
    for (const [at, text] of series.values ?? []) {
      const index = Math.round((at * 1000 - start) / step)
      const value = numberOf(text)
      if (index >= 0 && index < size && Number.isFinite(value)) column[index] = value
    }
    return column
  })
  return { times, values }
}

/** Each series on top of those before it; hidden ones add nothing. A gap stays a gap. */
export function stacked(values: Columns["values"], isShown: readonly boolean[]): Columns["values"] {
  const top = new Array<number>(values[0]?.length ?? 0).fill(0)
  return values.map((column, series) => {
    if (isShown[series] === false) return column
    return column.map((value, index) => {
      // A series with a gap is nothing there, and what stands on it goes on.
      top[index] = (top[index] ?? 0) + (value ?? 0)
      return top[index] ?? null
    })
  })
}

/** Which series are shown after a click on a legend entry: it alone, all again, or one more or less. */
export function toggled(isShown: readonly boolean[], index: number, isAdding: boolean): readonly boolean[] {
  if (isAdding) {
    const next = isShown.map((shown, at) => (at === index ? !shown : shown))
    return next.some(Boolean) ? next : isShown.map(() => true)
  }
  const isAlone = isShown[index] === true && isShown.filter(Boolean).length === 1
  return isShown.map((_, at) => isAlone || at === index)
}

export type Order = "answered" | "name" | "name-down" | "value" | "value-down"

/** Indexes of the rows in an order. NaN comes last either way. */
export function ordered(names: readonly string[], values: readonly number[], order: Order): readonly number[] {
  const indexes = names.map((_, index) => index)
  if (order === "answered") return indexes
  const sign = order.endsWith("-down") ? -1 : 1
  if (order.startsWith("name")) {
    return indexes.sort((a, b) => sign * compare(names[a] ?? "", names[b] ?? ""))
  }
  return indexes.sort((a, b) => {
    const [left, right] = [values[a] ?? Number.NaN, values[b] ?? Number.NaN]
    if (Number.isNaN(left) || Number.isNaN(right)) return Number(Number.isNaN(left)) - Number(Number.isNaN(right))
    return left === right ? 0 : sign * (left < right ? -1 : 1)
  })
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** A label of a metric: its values with how many series have each, most first. */
export interface LabelCount {
  readonly name: string
  readonly values: readonly (readonly [string, number])[]
}

/** What labels some series have, those with most values first. */
export function labelCounts(series: readonly Metric[]): readonly LabelCount[] {
  const found = new Map<string, Map<string, number>>()
  for (const metric of series) {
    for (const [name, value] of labelsOf(metric)) {
      const values = found.get(name) ?? new Map<string, number>()
      values.set(value, (values.get(value) ?? 0) + 1)
      found.set(name, values)
    }
  }
  return [...found]
    .map(([name, values]) => ({ name, values: [...values].sort((a, b) => b[1] - a[1] || compare(a[0], b[0])) }))
    .sort((a, b) => b.values.length - a.values.length || compare(a.name, b.name))
}

/** The name under which a series' type and help are told: a histogram's and summary's parts belong to the whole. */
export function familyOf(name: string, isKnown: (name: string) => boolean): string {
  if (isKnown(name)) return name
  const family = name.replace(/_(bucket|sum|count|total)$/, "")
  return isKnown(family) ? family : name
}

/** How well a text fits what was typed: its characters in order, those together and at starts of words first.
 * Null when they are not all there; higher is better. */
export function fuzzyScore(typed: string, text: string): number | null {
  const wanted = typed.toLowerCase().replace(/\s+/g, "")
  const whole = text.toLowerCase()
  if (wanted === "") return 0
  const together = whole.indexOf(wanted)
  if (together !== -1) return 10_000 - together * 10 - whole.length
  let score = 0
  let at = -1
  for (const letter of wanted) {
    const next = whole.indexOf(letter, at + 1)
    if (next === -1) return null
    const before = whole[next - 1]
    score += next === at + 1 ? 6 : before === "_" || before === ":" || next === 0 ? 4 : 0
    score -= Math.min(next - at - 1, 10)
    at = next
  }
  return score - whole.length / 10
}

/** The texts that fit, best first. */
export function fuzzy<T>(typed: string, all: readonly T[], textOf: (item: T) => string): readonly T[] {
  if (typed.trim() === "") return all
  return all
    .map((item) => ({ item, score: fuzzyScore(typed, textOf(item)) }))
    .filter((found): found is { item: T; score: number } => found.score !== null)
    .sort((a, b) => b.score - a.score)
    .map((found) => found.item)
}
