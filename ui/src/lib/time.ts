/** Times for people. Pure: every function is given the instant it counts from, which is the server's. */

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Milliseconds of an RFC 3339 time; NaN for none. */
export function instant(text: string): number {
  return text === "" ? Number.NaN : Date.parse(text)
}

/** A duration as kubectl's AGE has it: `45s`, `3m12s`, `2h5m`, `4d`. */
export function duration(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return ""
  const span = Math.max(0, milliseconds)
  if (span < 2 * MINUTE) return `${Math.floor(span / SECOND)}s`
  if (span < 10 * MINUTE) {
    const seconds = Math.floor((span % MINUTE) / SECOND)
    return `${Math.floor(span / MINUTE)}m${seconds === 0 ? "" : `${seconds}s`}`
  }
  if (span < 3 * HOUR) return `${Math.floor(span / MINUTE)}m`
  if (span < 8 * HOUR) {
    const minutes = Math.floor((span % HOUR) / MINUTE)
    return `${Math.floor(span / HOUR)}h${minutes === 0 ? "" : `${minutes}m`}`
  }
  if (span < 2 * DAY) return `${Math.floor(span / HOUR)}h`
  return `${Math.floor(span / DAY)}d`
}

/** `3m ago`, `in 20s`, `just now`; empty for no time. */
export function ago(at: string, now: number): string {
  const then = instant(at)
  if (Number.isNaN(then)) return ""
  const span = now - then
  if (span < -SECOND) return `in ${duration(-span)}`
  return span < SECOND ? "just now" : `${duration(span)} ago`
}

/** `14:03:27`, with the day in front when it is another one than `now`'s. Local time. */
export function clockTime(at: number, now: number): string {
  const date = new Date(at)
  const time = date.toLocaleTimeString(undefined, { hour12: false })
  return date.toDateString() === new Date(now).toDateString() ? time : `${date.toLocaleDateString()} ${time}`
}
