import "uplot/dist/uPlot.min.css"
import { useComputedColorScheme } from "@mantine/core"
import { useEffect, useRef, useState } from "react"
import uPlot from "uplot"
import type { Threshold } from "@/api/types"
import { serverNow } from "@/api/live"
import { Phase } from "@/components/Phase"
import { axisOf, drawShape, LINES, TIME_STAMPS, tokensAt } from "@/lib/chart"
import { clockTime } from "@/lib/time"
import { markLook } from "@/lib/timeline"
import { digits } from "@/lib/units"
import { measuredColumns, thresholdText, timeRange, valueRange, type Drawn } from "@/lib/values"

const HEIGHT = 240

/** Measured values over time, against the thresholds that judge them. */
export default function MeasurementChart({ drawn, thresholds }: { drawn: readonly Drawn[]; thresholds: readonly Threshold[] }) {
  const scheme = useComputedColorScheme("light")
  const host = useRef<HTMLDivElement>(null)
  const plotted = useRef<uPlot | null>(null)
  const shown = useRef({ drawn, thresholds })
  shown.current = { drawn, thresholds }
  const [hover, setHover] = useState<{ index: number; left: number; top: number } | null>(null)
  const { values } = measuredColumns(drawn)
  const width = values.length

  useEffect(() => {
    const element = host.current
    if (element === null) return
    const token = tokensAt(element)
    const palette = LINES[scheme]
    const plot = new uPlot(
      {
        width: Math.max(220, element.clientWidth),
        height: HEIGHT,
        padding: [14, 30, 0, 0],
        legend: { show: false },
        scales: {
          x: { range: () => [...timeRange(shown.current.drawn.map((one) => one.at / 1000))] },
          y: { range: () => [...valueRange(shown.current.drawn, shown.current.thresholds)] },
        },
        axes: [
          { ...axisOf(token, 40), values: TIME_STAMPS, space: 70 },
          { ...axisOf(token, 64), values: (_, all) => all.map((one) => digits(Number(one.toPrecision(10)), 4)) },
        ],
        series: [
          {},
          ...Array.from({ length: width }, (_, place): uPlot.Series => ({
            stroke: palette[place % palette.length],
            width: 1.6,
            points: { show: false },
            spanGaps: true,
          })),
        ],
        cursor: { drag: { x: false, y: false }, y: false, points: { show: false } },
        hooks: {
          drawAxes: [(self) => drawThresholds(self, shown.current.thresholds, width, token)],
          draw: [(self) => drawPoints(self, shown.current.drawn, token)],
          setCursor: [
            (self) => {
              const { idx, left } = self.cursor
              const one = typeof idx === "number" ? shown.current.drawn[idx] : undefined
              if (typeof idx !== "number" || left === undefined || left < 0 || one === undefined) {
                setHover(null)
                return
              }
              const value = one.values.find((found) => found !== null) ?? null
              const top = value === null ? HEIGHT - 76 : self.valToPos(value, "y") + 14
              setHover({ index: idx, left: self.valToPos(one.at / 1000, "x") + 64, top })
            },
          ],
        },
      },
      columnsOf(shown.current.drawn),
      element,
    )
    plotted.current = plot
    const observer = new ResizeObserver(() => plot.setSize({ width: Math.max(220, element.clientWidth), height: HEIGHT }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      plotted.current = null
      plot.destroy()
      setHover(null)
    }
  }, [width, scheme])

  useEffect(() => plotted.current?.setData(columnsOf(drawn)), [drawn, thresholds])

  const found = hover === null ? undefined : drawn[hover.index]
  const span = host.current?.clientWidth ?? 0
  return (
    <figure className="measured">
      <div className="measured-plot">
        <div ref={host} role="img" aria-label={`Chart of ${drawn.length} measurements; all of them are in the table below`} />
        {hover !== null && found !== undefined && (
          <div
            className="measured-tip card"
            style={{ top: Math.max(0, hover.top - 20), ...(hover.left > span / 2 ? { right: span - hover.left + 14 } : { left: hover.left + 14 }) }}
          >
            <strong className="mono">{tipText(found)}</strong>
            <Phase phase={found.phase} />
            <span className="faint">
              #{found.index + 1}, {clockTime(found.at, serverNow())}
            </span>
          </div>
        )}
      </div>
      {thresholds.length > 0 && (
        <figcaption className="measured-legend">
          {thresholds.map((threshold, index) => (
            <span key={index}>
              <span className={threshold.condition === "success" ? "line-success" : "line-failure"} aria-hidden="true" />
              {thresholdText(threshold, width)}
            </span>
          ))}
        </figcaption>
      )}
    </figure>
  )
}

function tipText(one: Drawn): string {
  if (one.values.every((value) => value === null)) return "no value"
  return one.values.map((value) => (value === null ? "no number" : digits(value, 8))).join(", ")
}

function columnsOf(drawn: readonly Drawn[]): uPlot.AlignedData {
  const { times, values } = measuredColumns(drawn)
  return [[...times], ...values.map((column) => [...column])]
}

function drawThresholds(plot: uPlot, thresholds: readonly Threshold[], width: number, token: (name: string) => string) {
  const { ctx } = plot
  const { left, top, width: wide, height } = plot.bbox
  const ratio = devicePixelRatio
  ctx.save()
  ctx.font = `600 ${12 * ratio}px system-ui, sans-serif`
  ctx.textAlign = "left"
  for (const threshold of thresholds) {
    const y = Math.round(plot.valToPos(threshold.value, "y", true)) + 0.5
    if (y < top - 1 || y > top + height + 1) continue
    const isSuccess = threshold.condition === "success"
    const colour = token(isSuccess ? "--ok" : "--bad")
    // The side that the condition is about is tinted.
    if (threshold.operator.startsWith(">") || threshold.operator.startsWith("<")) {
      ctx.fillStyle = token(isSuccess ? "--ok-soft" : "--bad-soft")
      ctx.globalAlpha = 0.45
      if (threshold.operator.startsWith(">")) ctx.fillRect(left, top, wide, y - top)
      else ctx.fillRect(left, y, wide, top + height - y)
      ctx.globalAlpha = 1
    }
    ctx.strokeStyle = colour
    ctx.fillStyle = colour
    ctx.lineWidth = 1.6 * ratio
    ctx.setLineDash(isSuccess ? [7 * ratio, 4 * ratio] : [2 * ratio, 3 * ratio])
    ctx.beginPath()
    ctx.moveTo(left, y)
    ctx.lineTo(left + wide, y)
    ctx.stroke()
    const isNearTop = y - top < 20 * ratio
    ctx.textBaseline = isNearTop ? "top" : "bottom"
    ctx.fillText(thresholdText(threshold, width), left + 8 * ratio, isNearTop ? y + 4 * ratio : y - 3 * ratio)
  }
  ctx.restore()
}

function drawPoints(plot: uPlot, drawn: readonly Drawn[], token: (name: string) => string) {
  const { ctx } = plot
  ctx.save()
  const size = (drawn.length > 200 ? 3 : 5.5) * devicePixelRatio
  for (const one of drawn) {
    const look = markLook({ kind: "measurement", phase: one.phase })
    const colour = token(`--${look.tone}`)
    ctx.fillStyle = colour
    ctx.strokeStyle = colour
    ctx.lineWidth = 2.2 * devicePixelRatio
    const x = plot.valToPos(one.at / 1000, "x", true)
    // One without a value stands on the ground.
    if (one.values.every((value) => value === null)) {
      drawShape(ctx, look.shape, x, plot.bbox.top + plot.bbox.height - size * 1.3, size)
    }
    for (const value of one.values) {
      if (value !== null) drawShape(ctx, look.shape, x, plot.valToPos(value, "y", true), size)
    }
  }
  ctx.restore()
}
