/** Where in an expression Prometheus found a mistake. Pure. */

/** line, column: from 1; the column counts bytes, as Prometheus does. */
export interface Place {
  readonly line: number
  readonly column: number
}

export interface Pointed {
  readonly before: string
  /** What stands at the place: a character, or nothing at the end of a line. */
  readonly at: string
  readonly after: string
  /** Of the whole expression, in UTF-16 units: where a cursor goes. */
  readonly offset: number
}

/** The place that an error names, as in `1:7: parse error: unclosed left parenthesis`; null for none. */
export function parsePlace(problem: string): Place | null {
  const found = /(?:^|\s)(\d+):(\d+): parse error/.exec(problem)
  return found === null ? null : { line: Number(found[1]), column: Number(found[2]) }
}

/** What is wrong, without the parameter and the place that it begins with. */
export function parseMessage(problem: string): string {
  return problem.replace(/^.*?\d+:\d+: parse error: /s, "")
}

/** The line of the expression, cut at the place; null when the expression has no such line. */
export function pointed(expr: string, place: Place): Pointed | null {
  const lines = expr.split("\n")
  const line = lines[place.line - 1]
  if (line === undefined || place.column < 1) return null
  const start = lines.slice(0, place.line - 1).reduce((sum, each) => sum + each.length + 1, 0)
  const [before, at, after] = cut(line, place.column - 1)
  return { before, at, after, offset: start + before.length }
}

function cut(line: string, bytes: number): readonly [string, string, string] {
  const characters = [...line]
  let left = bytes
  let index = 0
  while (index < characters.length && left > 0) left -= new TextEncoder().encode(characters[index++]).length
  return [characters.slice(0, index).join(""), characters[index] ?? "", characters.slice(index + 1).join("")]
}
