/**
 * What the server streams, and what is known because of it.
 *
 * Pure: `parse` turns text into events, `apply` is the reducer `(state, event) => state`. A snapshot replaces what was
 * known of a topic, so that a connection that was lost leaves no gap. A row that cannot be shown any more stays as it
 * was known, with what is wrong beside it, until the server says how it is or that it is gone.
 */

export interface Keyed {
  readonly key: string
}

export type StreamEvent =
  | { readonly type: "hello"; readonly now: string; readonly epoch: string }
  | { readonly type: "ping"; readonly now: string }
  | { readonly type: "snapshot"; readonly topic: string; readonly rows: readonly Keyed[] }
  | { readonly type: "change"; readonly topic: string; readonly rows: readonly Keyed[]; readonly gone: readonly string[] }
  | { readonly type: "value"; readonly topic: string; readonly value: unknown }
  | { readonly type: "problem"; readonly topic: string; readonly problem: string; readonly nextStep: string }
  | { readonly type: "row-problem"; readonly topic: string; readonly key: string; readonly problem: string; readonly nextStep: string }

/** What is wrong with a row, and what to do. */
export interface RowProblem {
  readonly key: string
  readonly problem: string
  readonly nextStep: string
}

export type TopicState =
  | { readonly kind: "rows"; readonly rows: ReadonlyMap<string, Keyed>; readonly broken: ReadonlyMap<string, RowProblem> }
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "problem"; readonly problem: string; readonly nextStep: string }

export type Known = ReadonlyMap<string, TopicState>

const TYPES = new Set<string>(["hello", "ping", "snapshot", "change", "value", "problem", "row-problem"])
const NONE_BROKEN: ReadonlyMap<string, RowProblem> = new Map()

/** The state after an event. Events without a topic change nothing. */
export function apply(known: Known, event: StreamEvent): Known {
  switch (event.type) {
    case "hello":
    case "ping":
      return known
    case "snapshot":
      return with_(known, event.topic, {
        kind: "rows",
        rows: new Map(event.rows.map((row) => [row.key, row])),
        broken: NONE_BROKEN,
      })
    case "change": {
      const before = known.get(event.topic)
      const rows = new Map(before?.kind === "rows" ? before.rows : [])
      for (const key of event.gone) rows.delete(key)
      for (const row of event.rows) rows.set(row.key, row)
      const broken = without(before?.kind === "rows" ? before.broken : NONE_BROKEN, [...event.gone, ...event.rows.map((row) => row.key)])
      return with_(known, event.topic, { kind: "rows", rows, broken })
    }
    case "row-problem": {
      const before = known.get(event.topic)
      if (before?.kind !== "rows") return known // what the others are is not known: a snapshot comes first
      const { key, problem, nextStep } = event
      return with_(known, event.topic, { ...before, broken: new Map(before.broken).set(key, { key, problem, nextStep }) })
    }
    case "value":
      return with_(known, event.topic, { kind: "value", value: event.value })
    case "problem":
      return with_(known, event.topic, { kind: "problem", problem: event.problem, nextStep: event.nextStep })
    default:
      return unreachable(event)
  }
}

/** The same map when it has none of the keys. */
function without(broken: ReadonlyMap<string, RowProblem>, keys: readonly string[]): ReadonlyMap<string, RowProblem> {
  if (!keys.some((key) => broken.has(key))) return broken
  const left = new Map(broken)
  for (const key of keys) left.delete(key)
  return left
}

function with_(known: Known, topic: string, state: TopicState): Known {
  return new Map(known).set(topic, state)
}

/** Exhaustiveness check of a switch. */
export function unreachable(value: never): never {
  throw new Error(`unexpected: ${JSON.stringify(value)}`)
}

/** Takes text in pieces as they come and gives whole events. Unknown events are passed over. */
export class Parser {
  private rest = ""

  push(text: string): StreamEvent[] {
    const blocks = (this.rest + text).split("\n\n")
    this.rest = blocks.pop() ?? ""
    return blocks.map(event).filter((found) => found !== null)
  }
}

function event(block: string): StreamEvent | null {
  let type = ""
  let data = ""
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) type = line.slice(7)
    else if (line.startsWith("data: ")) data += line.slice(6)
  }
  if (!TYPES.has(type) || data === "") return null
  const found: unknown = JSON.parse(data)
  return { ...(found as object), type } as StreamEvent
}
