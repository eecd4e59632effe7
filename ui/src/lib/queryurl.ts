/**
 * The query page's state as an address, in the format of Prometheus 3: a link works in both directions.
 *
 * Pure. Ours is `g0.unit` only. Older links (`tab=0`, `stacked=1`, `step_input=15`) are understood as well.
 */

export type QueryTab = "table" | "graph" | "explain"
export type Density = "low" | "medium" | "high"
export type Resolution =
  | { readonly type: "auto"; readonly density: Density }
  | { readonly type: "fixed" | "custom"; readonly step: number }
export type Display = "lines" | "stacked"
export type Unit = "none" | "short" | "seconds" | "bytes" | "percent"

/** One query. range, end, step: milliseconds. end: null is now; also the time of an instant query. */
export interface Panel {
  readonly expr: string
  readonly tab: QueryTab
  readonly range: number
  readonly end: number | null
  readonly resolution: Resolution
  readonly display: Display
  readonly unit: Unit
}

export const UNITS: readonly Unit[] = ["none", "short", "seconds", "bytes", "percent"]
const HOUR = 3_600_000
export const MAX_POINTS = 10_000

export const NEW_PANEL: Panel = {
  expr: "",
  tab: "table",
  range: HOUR,
  end: null,
  resolution: { type: "auto", density: "medium" },
  display: "lines",
  unit: "none",
}

/** What − and + step through. */
export const RANGES: readonly number[] = [
  "1m", "5m", "10m", "15m", "30m", "1h", "2h", "6h", "12h", "1d", "2d", "1w", "2w", "4w",
].map((text) => parseDuration(text) ?? HOUR)

const SPANS: readonly (readonly [string, number])[] = [
  ["y", 365 * 24 * HOUR],
  ["w", 7 * 24 * HOUR],
  ["d", 24 * HOUR],
  ["h", HOUR],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
]

/** `1h30m` in milliseconds; null for anything else, and for nothing. */
export function parseDuration(text: string): number | null {
  const match = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/.exec(text.trim())
  if (match === null || match[0] === "") return null
  const total = [365 * 24 * HOUR, 7 * 24 * HOUR, 24 * HOUR, HOUR, 60_000, 1000, 1].reduce(
    (sum, span, index) => sum + Number(match[index + 1] ?? 0) * span,
    0,
  )
  return total > 0 ? total : null
}

/** Milliseconds as Prometheus writes a duration: years, weeks and days only when they are whole. */
export function formatDuration(milliseconds: number): string {
  let left = Math.round(milliseconds)
  if (left <= 0) return "0s"
  let text = ""
  for (const [name, span] of SPANS) {
    const isWholeOnly = span >= 24 * HOUR
    if (isWholeOnly && left % span !== 0) continue
    const count = Math.floor(left / span)
    if (count > 0) text += `${count}${name}`
    left -= count * span
  }
  return text
}

/** `2026-11-24 19:00:00`, UTC. */
export function formatTime(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace("T", " ")
}

/** The time that such a text, an RFC 3339 time or Unix seconds name; null for none. */
export function parseTime(text: string): number | null {
  const plain = text.trim()
  if (plain === "") return null
  if (/^\d+(\.\d+)?$/.test(plain)) return Number(plain) * 1000
  const withZone = /(?:Z|[+-]\d\d:?\d\d)$/i.test(plain) ? plain : `${plain.replace(" ", "T")}Z`
  const at = Date.parse(withZone)
  return Number.isNaN(at) ? null : at
}

/** The panels of a query string; at least one. */
export function decodePanels(search: string | URLSearchParams): readonly Panel[] {
  const fields = new Map<number, Map<string, string>>()
  for (const [name, value] of new URLSearchParams(search)) {
    const match = /^g(\d{1,3})\.(\w+)$/.exec(name)
    if (match === null) continue
    const index = Number(match[1])
    const panel = fields.get(index) ?? new Map<string, string>()
    panel.set(match[2] ?? "", value)
    fields.set(index, panel)
  }
  const panels = [...fields].sort(([a], [b]) => a - b).map(([, panel]) => decodePanel(panel))
  return panels.length === 0 ? [NEW_PANEL] : panels
}

function decodePanel(fields: ReadonlyMap<string, string>): Panel {
  const text = (name: string) => fields.get(name) ?? ""
  const unit = UNITS.find((known) => known === text("unit")) ?? NEW_PANEL.unit
  return {
    expr: text("expr"),
    tab: decodeTab(text("tab")),
    range: parseDuration(text("range_input")) ?? NEW_PANEL.range,
    end: parseTime(text("end_input")) ?? parseTime(text("moment_input")),
    resolution: decodeResolution(fields),
    display: text("display_mode") === "stacked" || text("stacked") === "1" ? "stacked" : "lines",
    unit,
  }
}

function decodeTab(text: string): QueryTab {
  if (text === "graph" || text === "0") return "graph"
  if (text === "explain" || text === "tree") return "explain"
  return "table"
}

function decodeResolution(fields: ReadonlyMap<string, string>): Resolution {
  const type = fields.get("res_type")
  if (type === "auto") {
    const density = fields.get("res_density")
    return { type, density: density === "low" || density === "high" ? density : "medium" }
  }
  const step = decodeStep(fields.get("res_step") ?? fields.get("step_input") ?? "")
  if (step === null) return NEW_PANEL.resolution
  return { type: type === "fixed" ? "fixed" : "custom", step }
}

function decodeStep(text: string): number | null {
  if (/^\d+(\.\d+)?$/.test(text) && Number(text) > 0) return Number(text) * 1000
  return parseDuration(text)
}

/** The query string of the panels, without the question mark. A single untouched panel needs none. */
export function encodePanels(panels: readonly Panel[]): string {
  if (panels.length === 1 && panels[0] === NEW_PANEL) return ""
  const out = new URLSearchParams()
  panels.forEach((panel, index) => {
    const add = (name: string, value: string) => out.set(`g${index}.${name}`, value)
    add("expr", panel.expr)
    add("tab", panel.tab)
    if (panel.end !== null) {
      add("end_input", formatTime(panel.end))
      add("moment_input", formatTime(panel.end))
    }
    add("range_input", formatDuration(panel.range))
    add("res_type", panel.resolution.type)
    if (panel.resolution.type === "auto") add("res_density", panel.resolution.density)
    else add("res_step", String(panel.resolution.step / 1000))
    add("display_mode", panel.display)
    if (panel.unit !== "none") add("unit", panel.unit)
  })
  return out.toString()
}

/** The address of one expression, for a link: at a time (milliseconds) or now. */
export function queryHref(expr: string, end: number | null = null, tab: QueryTab = "table"): string {
  return `/query?${encodePanels([{ ...NEW_PANEL, expr, end, tab }])}`
}

const DENSITY: Readonly<Record<Density, number>> = { low: 100, medium: 250, high: 1000 }

/** The step of a range query in milliseconds; never more points than a server answers. */
export function stepOf(panel: Pick<Panel, "range" | "resolution">): number {
  const least = Math.ceil(panel.range / MAX_POINTS / 1000) * 1000
  if (panel.resolution.type === "auto") {
    return Math.max(Math.floor(panel.range / DENSITY[panel.resolution.density] / 1000) * 1000, 1000)
  }
  return Math.max(panel.resolution.step, panel.range / MAX_POINTS > panel.resolution.step ? least : 1)
}

/** The next longer (by 1) or shorter (by −1) range that is offered. */
export function nextRange(range: number, by: 1 | -1): number {
  if (by === 1) return RANGES.find((known) => known > range) ?? range
  return RANGES.findLast((known) => known < range) ?? range
}
