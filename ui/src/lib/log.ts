/** A log as it comes in pieces: lines without terminal codes, the newest ones only, found by a text. Pure but for `LogBuffer`. */

export const MAX_LINES = 10_000

export interface LogLine {
  /** How many lines came before it; stays the same while older ones are dropped. */
  readonly number: number
  readonly text: string
}

// CSI and OSC sequences, other two-character escapes, and control characters that draw nothing (tabs stay).
// eslint-disable-next-line no-control-regex
const ESCAPES = /\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[ -/]*[0-~]|[\u0000-\u0008\u000b-\u001f\u007f]/g

/** A line without the codes that colour a terminal. What a carriage return would have written over is left out. */
export function plain(line: string): string {
  const bare = line.endsWith("\r") ? line.slice(0, -1) : line
  const written = bare.includes("\r") ? bare.slice(bare.lastIndexOf("\r") + 1) : bare
  return /[\u0000-\u0008\u000b-\u001f\u007f]/.test(written) ? written.replace(ESCAPES, "") : written
}

/** The last `capacity` lines of what was pushed. Changes in place: it takes ten thousand lines a second. */
export class LogBuffer {
  private lines: LogLine[] = []
  private rest = ""
  /** How many lines came in all. */
  total = 0

  constructor(private readonly capacity = MAX_LINES) {}

  /** Take a piece of text; a line counts once it has ended. */
  push(text: string): void {
    const parts = (this.rest + text).split("\n")
    this.rest = parts.pop() ?? ""
    for (const part of parts) this.add(part)
    // Dropping half at once keeps each push cheap.
    if (this.lines.length > this.capacity * 2) this.lines = this.lines.slice(-this.capacity)
  }

  /** Nothing more comes: a last line need not be ended. */
  end(): void {
    if (this.rest !== "") this.add(this.rest)
    this.rest = ""
  }

  /** The lines as they are now; a new array. */
  snapshot(): readonly LogLine[] {
    return this.lines.slice(-this.capacity)
  }

  /** How many were forgotten for want of room. */
  get dropped(): number {
    return Math.max(0, this.total - this.capacity)
  }

  private add(text: string): void {
    this.lines.push({ number: this.total, text: plain(text) })
    this.total += 1
  }
}

/** The lines that came after those that are held. */
export function newerThan(held: readonly LogLine[], lines: readonly LogLine[]): readonly LogLine[] {
  const last = held[held.length - 1]?.number ?? -1
  const first = lines[0]?.number ?? 0
  return lines.slice(Math.max(0, last + 1 - first)) // numbers have no gaps
}

/** The lines in which a text occurs, whatever its case. */
export function filtered(lines: readonly LogLine[], text: string): readonly LogLine[] {
  const wanted = text.toLowerCase()
  return wanted === "" ? lines : lines.filter((line) => line.text.toLowerCase().includes(wanted))
}

/** A line in pieces: those at odd places are what was looked for. */
export function highlighted(line: string, text: string): readonly string[] {
  if (text === "") return [line]
  const wanted = text.toLowerCase()
  const lower = line.toLowerCase()
  if (lower.length !== line.length) return [line] // case changed its length: places would not agree
  const parts: string[] = []
  let from = 0
  for (let at = lower.indexOf(wanted); at !== -1; at = lower.indexOf(wanted, from)) {
    parts.push(line.slice(from, at), line.slice(at, at + wanted.length))
    from = at + wanted.length
  }
  parts.push(line.slice(from))
  return parts
}

export type LineTone = "bad" | "hold" | ""

/** How bad a line is, from the level that it names at its start or in a field. */
export function toneOf(line: string): LineTone {
  const head = line.slice(0, 200)
  if (/\b(?:ERROR|FATAL|PANIC|CRITICAL)\b|\b(?:level|severity)"?[=:]\s*"?(?:error|fatal|panic|critical)\b|^E\d{4} /.test(head)) return "bad"
  if (/\b(?:WARN|WARNING)\b|\b(?:level|severity)"?[=:]\s*"?warn|^W\d{4} /.test(head)) return "hold"
  return ""
}

/** Everything as a file has it. */
export function asText(lines: readonly LogLine[]): string {
  return lines.map((line) => `${line.text}\n`).join("")
}
