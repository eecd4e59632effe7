import "uplot/dist/uPlot.min.css"
import { Button, useComputedColorScheme } from "@mantine/core"
import { useEffect, useMemo, useRef, useState } from "react"
import uPlot from "uplot"
import type { Display, Unit } from "@/lib/queryurl"
import { columns, commonLabels, seriesName, stacked, toggled, withoutLabels, type Matrix, type Metric } from "@/lib/series"
import { count, formatValue } from "@/lib/units"
import { SeriesName } from "@/views/metrics/SeriesName"

const DRAWN = 1000
const LISTED = 100
const NEAREST = 10
const HEIGHT = 380

// Chosen to be told apart, also by people who see few colours, at 3:1 or more on the card of the scheme.
const LIGHT = ["#0a6a92", "#c2410c", "#2f7d32", "#8e24aa", "#b8860b", "#c2185b", "#00796b", "#3949ab", "#6d4c41", "#d32f2f", "#558b2f", "#546e7a"]
const DARK = ["#6abfe1", "#ff9e64", "#7fd68a", "#d59bf0", "#f3cb66", "#ff8fb5", "#5fd9c5", "#9fb0ff", "#d0b09c", "#ff8a80", "#bfe07a", "#b0c0ca"]

interface Hover {
  readonly index: number
  readonly left: number
  /** Those that are near the cursor, in the order in which they lie above one another. */
  readonly nearest: readonly number[]
  readonly closest: number
}

/** A range query's answer as lines. start, end, step: milliseconds. */
export default function ResultGraph({
  matrix,
  start,
  end,
  step,
  unit,
  display,
  onZoom,
}: {
  matrix: Matrix
  start: number
  end: number
  step: number
  unit: Unit
  display: Display
  onZoom: (start: number, end: number) => void
}) {
  const scheme = useComputedColorScheme("light")
  const palette = scheme === "dark" ? DARK : LIGHT
  const drawn = useMemo(() => ({ ...matrix, result: matrix.result.slice(0, DRAWN) }), [matrix])
  const names = useMemo(() => drawn.result.map((series) => seriesName(series.metric)), [drawn])
  const common = useMemo(() => commonLabels(drawn.result.map((series) => series.metric)), [drawn])
  const short = useMemo(() => drawn.result.map((series) => withoutLabels(series.metric, common)), [drawn, common])
  // Near the cursor there is room for what differs only.
  const told = useMemo(() => {
    const name = short[0]?.["__name__"] ?? ""
    const isSame = short.length > 1 && short.every((metric) => metric["__name__"] === name && Object.keys(metric).length > 1)
    return short.map((metric) => seriesName(isSame ? withoutLabels(metric, { __name__: name }) : metric))
  }, [short])
  const signature = names.join("\n")
  const [choice, setChoice] = useState<{ of: string; isShown: readonly boolean[] }>({ of: "", isShown: [] })
  const isShown = useMemo(() => (choice.of === signature ? choice.isShown : names.map(() => true)), [choice, signature, names])
  const { times, values } = useMemo(() => columns(drawn, start, end, step), [drawn, start, end, step])
  const plotted = useMemo(() => (display === "stacked" ? stacked(values, isShown) : values), [display, values, isShown])
  const host = useRef<HTMLDivElement>(null)
  const zoom = useRef(onZoom)
  zoom.current = onZoom
  const [hover, setHover] = useState<Hover | null>(null)

  useEffect(() => {
    const element = host.current
    if (element === null) return
    const style = getComputedStyle(element)
    const token = (name: string) => style.getPropertyValue(name).trim()
    const axis: uPlot.Axis = {
      stroke: token("--faint"),
      grid: { stroke: token("--line"), width: 1 },
      ticks: { stroke: token("--line"), width: 1 },
      font: "12px system-ui, sans-serif",
    }
    const isSparse = times.length < 2 || values.some((column) => isDotted(column))
    const options: uPlot.Options = {
      width: Math.max(200, element.clientWidth),
      height: HEIGHT,
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
      legend: { show: false },
      scales: {
        x: { range: () => [start / 1000, Math.max(end, start + 1000) / 1000] },
        y: display === "stacked" ? { range: (_, low, high) => uPlot.rangeNum(Math.min(0, low ?? 0), high ?? 1, 0.1, true) } : {},
      },
      axes: [
        { ...axis, values: TIME_STAMPS, space: 80 },
        { ...axis, size: 74, values: (_, splits) => splits.map((split) => formatValue(Number(split.toPrecision(12)), unit === "none" ? "short" : unit)) },
      ],
      series: [
        {},
        ...names.map((label, index): uPlot.Series => {
          const colour = palette[index % palette.length] ?? "#888"
          return {
            label,
            show: isShown[index] !== false,
            stroke: colour,
            width: names.length > 100 ? 1 : 1.6,
            dash: display === "lines" && index >= palette.length ? DASHES[Math.floor(index / palette.length) % DASHES.length] : undefined,
            fill: display === "stacked" ? `${colour}55` : undefined,
            points: { show: isSparse, size: 5, fill: colour },
            spanGaps: false,
          }
        }),
      ],
      // Each area reaches down to the one below it.
      bands: display === "stacked" ? bandsOf(isShown) : [],
      cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 7 }, y: false },
      hooks: {
        setSelect: [
          (plot) => {
            if (plot.select.width < 4) return
            const from = plot.posToVal(plot.select.left, "x") * 1000
            const to = plot.posToVal(plot.select.left + plot.select.width, "x") * 1000
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
            zoom.current(from, to)
          },
        ],
        setCursor: [
          (plot) => {
            const { idx, left, top } = plot.cursor
            if (idx === null || idx === undefined || left === undefined || left < 0) {
              setHover(null)
              return
            }
            const at = plot.posToVal(top ?? 0, "y")
            const nearest = plotted
              .map((column, index) => ({ index, value: column[idx] ?? null }))
              .filter(({ index, value }) => value !== null && isShown[index] !== false)
              .sort((a, b) => Math.abs((a.value ?? 0) - at) - Math.abs((b.value ?? 0) - at))
              .slice(0, NEAREST)
            const closest = nearest[0]?.index ?? -1
            const above = nearest.toSorted((a, b) => (b.value ?? 0) - (a.value ?? 0)).map(({ index }) => index)
            setHover({ index: idx, left, nearest: above, closest })
          },
        ],
      },
    }
    const plot = new uPlot(options, [[...times], ...plotted.map((column) => [...column])], element)
    const observer = new ResizeObserver(() => plot.setSize({ width: Math.max(200, element.clientWidth), height: HEIGHT }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      plot.destroy()
      setHover(null)
    }
  }, [times, values, plotted, names, isShown, palette, unit, display, start, end])

  const time = hover === null ? undefined : times[hover.index]
  return (
    <div className="graph">
      <div className="graph-plot">
        <div ref={host} aria-hidden="true" />
        {hover !== null && time !== undefined && hover.nearest.length > 0 && (
          <div
            className="graph-tip"
            style={hover.left > (host.current?.clientWidth ?? 0) / 2 ? { right: (host.current?.clientWidth ?? 0) - hover.left - 54 } : { left: hover.left + 96 }}
          >
            <div className="graph-tip-time">{utc(time)}</div>
            {hover.nearest.map((index) => (
              <div key={index} className="graph-tip-row" data-nearest={index === hover.closest || undefined}>
                <Swatch colour={palette[index % palette.length] ?? ""} />
                <span className="ellipsis">{told[index]}</span>
                <strong>{formatValue(values[index]?.[hover.index] ?? Number.NaN, unit)}</strong>
              </div>
            ))}
          </div>
        )}
      </div>
      {matrix.result.length > DRAWN && (
        <p className="faint result-line">
          The first {count(DRAWN)} of {count(matrix.result.length)} series are drawn; topk() or an aggregation makes it readable.
        </p>
      )}
      <Legend
        metrics={short}
        common={common}
        total={matrix.result.length}
        values={values}
        isShown={isShown}
        palette={palette}
        unit={unit}
        at={hover?.index ?? null}
        when={time === undefined ? "Last" : utc(time).slice(11)}
        onToggle={(index, isAdding) => setChoice({ of: signature, isShown: toggled(isShown, index, isAdding) })}
      />
    </div>
  )
}

const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]]
const SECONDS = 1
const TIME_STAMPS: uPlot.Axis.Values = [
  [3600 * 24 * 365, "{YYYY}", null, null, null, null, null, null, SECONDS],
  [3600 * 24 * 28, "{MMM}", "\n{YYYY}", null, null, null, null, null, SECONDS],
  [3600 * 24, "{MMM} {D}", "\n{YYYY}", null, null, null, null, null, SECONDS],
  [60, "{HH}:{mm}", "\n{MMM} {D}", null, "\n{MMM} {D}", null, null, null, SECONDS],
  [1, "{HH}:{mm}:{ss}", "\n{MMM} {D}", null, "\n{MMM} {D}", null, null, null, SECONDS],
  [0.001, "{ss}.{fff}", "\n{HH}:{mm}", null, "\n{HH}:{mm}", null, null, null, SECONDS],
]

/** Single values between gaps would be invisible as a line. */
function isDotted(column: readonly (number | null)[]): boolean {
  return column.some((value, at) => value !== null && (column[at - 1] ?? null) === null && (column[at + 1] ?? null) === null)
}

/** Each shown series with the shown one before it. */
function bandsOf(isShown: readonly boolean[]): uPlot.Band[] {
  const shown = isShown.flatMap((each, index) => (each ? [index + 1] : []))
  return shown.slice(1).map((index, at) => ({ series: [index, shown[at] ?? 0] }))
}

function utc(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`
}

function Swatch({ colour }: { colour: string }) {
  return <span className="graph-swatch" style={{ background: colour }} aria-hidden="true" />
}

function Legend({
  metrics,
  common,
  total,
  values,
  isShown,
  palette,
  unit,
  at,
  when,
  onToggle,
}: {
  metrics: readonly Metric[]
  common: Metric
  total: number
  values: readonly (readonly (number | null)[])[]
  isShown: readonly boolean[]
  palette: readonly string[]
  unit: Unit
  at: number | null
  when: string
  onToggle: (index: number, isAdding: boolean) => void
}) {
  const [isAll, setAll] = useState(false)
  const last = useMemo(() => values.map((column) => column.findLast((value) => value !== null) ?? null), [values])
  const listed = isAll ? metrics : metrics.slice(0, LISTED)
  return (
    <>
      {Object.keys(common).length > 0 && (
        <p className="result-line">
          <span className="faint">All have</span> <SeriesName metric={common} />
        </p>
      )}
      <div className="result-scroll legend" tabIndex={0} role="region" aria-label="Legend">
        <table className="result">
          <thead>
            <tr>
              <th scope="col">Series (a click shows it alone, Ctrl+click adds or takes)</th>
              <th scope="col">{when}</th>
            </tr>
          </thead>
          <tbody>
            {listed.map((metric, index) => {
              const value = at === null ? last[index] : values[index]?.[at]
              return (
                <tr key={index} data-hidden={isShown[index] === false || undefined}>
                  <td>
                    <button
                      type="button"
                      className="legend-entry"
                      aria-pressed={isShown[index] !== false}
                      onClick={(event) => onToggle(index, event.ctrlKey || event.metaKey)}
                    >
                      <Swatch colour={palette[index % palette.length] ?? ""} />
                      <SeriesName metric={metric} />
                    </button>
                  </td>
                  <td className="mono">{value === null || value === undefined ? "–" : formatValue(value, unit)}</td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
      {listed.length < metrics.length && (
        <div className="more-rows">
          <span>
            {count(LISTED)} of {count(total)} series.
          </span>
          <Button size="xs" variant="default" onClick={() => setAll(true)}>
            Show all
          </Button>
        </div>
      )}
    </>
  )
}
