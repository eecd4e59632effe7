/** A diff of two manifests as it is drawn: only what changed with a little around it, below or beside each other. Pure. */

import type { DiffLine } from "@/api/types"

const CONTEXT = 3
/** A fold that hides fewer lines than this is not worth its own line. */
const LEAST_FOLD = 3

export interface Piece {
  readonly isFolded: boolean
  /** Index of the first line in the whole diff. */
  readonly start: number
  readonly lines: readonly DiffLine[]
}

export interface Pair {
  readonly live: DiffLine | null
  readonly desired: DiffLine | null
}

/** The diff in pieces; what is far from any change is folded. Without a change it is one open piece. */
export function pieces(lines: readonly DiffLine[], context = CONTEXT): readonly Piece[] {
  const near = new Array<boolean>(lines.length).fill(false)
  lines.forEach((line, index) => {
    if (line.kind !== " ") near.fill(true, Math.max(0, index - context), Math.min(lines.length, index + context + 1))
  })
  if (!near.includes(true)) return lines.length === 0 ? [] : [{ isFolded: false, start: 0, lines }]
  const found: { isFolded: boolean; start: number; lines: DiffLine[] }[] = []
  for (const run of runs(near)) {
    const isFolded = !run.value && run.length >= LEAST_FOLD
    const last = found.at(-1)
    const part = lines.slice(run.start, run.start + run.length)
    if (last !== undefined && last.isFolded === isFolded) last.lines.push(...part)
    else found.push({ isFolded, start: run.start, lines: part })
  }
  return found
}

function runs(values: readonly boolean[]): { value: boolean; start: number; length: number }[] {
  const found: { value: boolean; start: number; length: number }[] = []
  values.forEach((value, start) => {
    const last = found.at(-1)
    if (last !== undefined && last.value === value) last.length += 1
    else found.push({ value, start, length: 1 })
  })
  return found
}

/** Lines side by side: what was removed beside what came instead. */
export function pairs(lines: readonly DiffLine[]): readonly Pair[] {
  const found: Pair[] = []
  let removed: DiffLine[] = []
  let added: DiffLine[] = []
  const flush = () => {
    for (let index = 0; index < Math.max(removed.length, added.length); index += 1) {
      found.push({ live: removed[index] ?? null, desired: added[index] ?? null })
    }
    removed = []
    added = []
  }
  for (const line of lines) {
    switch (line.kind) {
      case "-":
        removed.push(line)
        break
      case "+":
        added.push(line)
        break
      case " ":
        flush()
        found.push({ live: line, desired: line })
        break
    }
  }
  flush()
  return found
}

/** How many lines only one side has. */
export function changed(lines: readonly DiffLine[]): { readonly added: number; readonly removed: number } {
  return { added: lines.filter((line) => line.kind === "+").length, removed: lines.filter((line) => line.kind === "-").length }
}

/** A line of YAML as what is before its key, the key, and the rest; key empty where there is none. */
export function yamlParts(line: string): readonly [before: string, key: string, rest: string] {
  const found = /^(\s*(?:- )*)([^\s#"'{[|>-][^:]*)(:(?:\s.*)?)$/.exec(line)
  return found === null ? ["", "", line] : [found[1] ?? "", found[2] ?? "", found[3] ?? ""]
}
