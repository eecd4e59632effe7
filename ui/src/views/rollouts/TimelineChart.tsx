import "uplot/dist/uPlot.min.css"
import { useEffect, useId, useRef } from "react"
import uPlot from "uplot"
import { axisOf, drawShape, revisionColour, TIME_STAMPS, tokensAt } from "@/lib/chart"
import { lookOf } from "@/lib/phases"
import { lane, markLook, stepColumns, type Times } from "@/lib/timeline"

const LEFT = 66
const WEIGHT = 146
const READY = 120
const LANES = 138
const ROWS = 3
const MARK = 6

interface Shown {
  readonly times: Times
  readonly now: number
  readonly from: number
  readonly to: number
  readonly pinned: number | null
}

/** Three plots on one axis of time: weights, ready pods, and what happened. Times in milliseconds. */
export default function TimelineChart({
  times,
  now,
  from,
  to,
  pinned,
  scheme,
  onHover,
  onPin,
  onZoom,
}: Shown & {
  scheme: "light" | "dark"
  onHover: (at: number | null) => void
  onPin: (at: number) => void
  onZoom: (from: number, to: number) => void
}) {
  const host = useRef<HTMLDivElement>(null)
  const shown = useRef<Shown>({ times, now, from, to, pinned })
  shown.current = { times, now, from, to, pinned }
  const tell = useRef({ onHover, onPin, onZoom })
  tell.current = { onHover, onPin, onZoom }
  const plots = useRef<readonly uPlot[]>([])
  const key = useId()
  const signature = times.revisions.join(" ")

  useEffect(() => {
    const element = host.current
    if (element === null) return
    const token = tokensAt(element)
    const revisions = signature === "" ? [] : signature.split(" ").map(Number)
    const stepped = uPlot.paths.stepped?.({ align: 1 })
    const sync = uPlot.sync(key)
    const x: uPlot.Scale = { time: true, range: () => [shown.current.from / 1000, shown.current.to / 1000] }
    const hidden: uPlot.Axis = { ...axisOf(token, 0), values: () => [], ticks: { show: false } }
    const cursor: uPlot.Cursor = {
      sync: { key: sync.key, scales: ["x", null], setSeries: false },
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false, dist: 6 },
      bind: { dblclick: () => null },
    }
    const hooks: uPlot.Hooks.Arrays = {
      setCursor: [
        (plot) => {
          if (plot.cursor.event === null || plot.cursor.event === undefined) return // told by another plot, or by new data
          const { left } = plot.cursor
          tell.current.onHover(left === undefined || left < 0 ? null : plot.posToVal(left, "x") * 1000)
        },
      ],
      setSelect: [
        (plot) => {
          if (plot.select.width < 6 || plot.cursor.event === null || plot.cursor.event === undefined) return
          const start = plot.posToVal(plot.select.left, "x") * 1000
          const end = plot.posToVal(plot.select.left + plot.select.width, "x") * 1000
          for (const each of plots.current) each.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
          if (end - start >= 500) tell.current.onZoom(start, end)
        },
      ],
      drawClear: [(plot) => shadeUnrecorded(plot, shown.current.times.since, token)],
      draw: [(plot) => drawPinned(plot, shown.current.pinned, token)],
    }
    const base = { width: widthOf(element), legend: { show: false }, cursor, padding: [8, 12, 8, 0] as uPlot.Padding }
    const weight = new uPlot(
      {
        ...base,
        height: WEIGHT,
        scales: { x, y: { range: [0, 104] } },
        axes: [hidden, { ...axisOf(token, LEFT), splits: () => [0, 25, 50, 75, 100], values: (_, all) => all.map((one) => `${one} %`) }],
        series: [
          {},
          { label: "actual", stroke: token("--canary"), fill: `${token("--canary")}30`, width: 2, paths: stepped, points: { show: false } },
          { label: "set", stroke: token("--text"), width: 1.6, dash: [5, 4], paths: stepped, points: { show: false } },
        ],
        hooks: { ...hooks, draw: [...(hooks.draw ?? []), (plot) => drawPhases(plot, shown.current, token)] },
      },
      undefined,
      element,
    )
    const ready = new uPlot(
      {
        ...base,
        height: READY,
        scales: { x, y: { range: (_, __, high) => [0, Math.max(1, high ?? 1) * 1.12] } },
        axes: [
          hidden,
          {
            ...axisOf(token, LEFT),
            incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
            space: 22,
            values: (_, all) => all.map((one) => (one === 0 ? "0 ready" : String(one))),
          },
        ],
        series: [
          {},
          ...revisions.map((revision): uPlot.Series => {
            const colour = revisionColour(revision, scheme)
            return { label: `revision ${revision}`, stroke: colour, fill: `${colour}26`, width: 2, paths: stepped, points: { show: false } }
          }),
        ],
        hooks,
      },
      undefined,
      element,
    )
    const lanes = new uPlot(
      {
        ...base,
        padding: [2, 12, 0, 0],
        height: LANES,
        scales: { x, y: { range: [0, 2] } },
        axes: [
          { ...axisOf(token, 40), values: TIME_STAMPS, space: 64 },
          { ...axisOf(token, LEFT), splits: () => [0.5, 1.5], values: () => ["events", "analysis"], grid: { show: false }, ticks: { show: false } },
        ],
        series: [{}, { show: false }],
        hooks: { ...hooks, draw: [(plot) => drawLanes(plot, shown.current, token), ...(hooks.draw ?? [])] },
      },
      undefined,
      element,
    )
    plots.current = [weight, ready, lanes]
    for (const plot of plots.current) {
      sync.sub(plot)
      plot.over.addEventListener("click", () => {
        const { left } = plot.cursor
        if (left !== undefined && left >= 0) tell.current.onPin(plot.posToVal(left, "x") * 1000)
      })
      plot.over.addEventListener("mouseleave", () => tell.current.onHover(null))
    }
    redraw(plots.current, shown.current)
    const observer = new ResizeObserver(() => {
      for (const plot of plots.current) {
        if (plot.width !== widthOf(element)) plot.setSize({ width: widthOf(element), height: plot.height })
      }
    })
    observer.observe(element)
    return () => {
      observer.disconnect()
      for (const plot of plots.current) {
        sync.unsub(plot)
        plot.destroy()
      }
      plots.current = []
    }
  }, [signature, scheme, key])

  useEffect(() => redraw(plots.current, { times, now, from, to, pinned }), [times, now, from, to, pinned])

  return <div ref={host} className="timeline-chart" aria-hidden="true" />
}

function widthOf(element: Element): number {
  return Math.max(220, element.clientWidth)
}

function redraw(plots: readonly uPlot[], shown: Shown) {
  const [weight, ready, lanes] = plots
  const columns = stepColumns(shown.times, shown.now)
  const at = [...columns.times]
  weight?.setData([at, [...columns.actualWeight], [...columns.setWeight]])
  ready?.setData([at, ...columns.ready.map((column) => [...column])])
  lanes?.setData([[shown.from / 1000, shown.to / 1000], [0, 0]])
}

function shadeUnrecorded(plot: uPlot, since: number, token: (name: string) => string) {
  const { left, top, width, height } = plot.bbox
  const end = Math.min(left + width, plot.valToPos(since / 1000, "x", true))
  if (!(end > left)) return
  plot.ctx.save()
  plot.ctx.fillStyle = token("--calm-soft")
  plot.ctx.fillRect(left, top, end - left, height)
  plot.ctx.restore()
}

function drawPinned(plot: uPlot, pinned: number | null, token: (name: string) => string) {
  if (pinned === null) return
  const { left, top, width, height } = plot.bbox
  const x = plot.valToPos(pinned / 1000, "x", true)
  if (x < left || x > left + width) return
  plot.ctx.save()
  plot.ctx.strokeStyle = token("--busy")
  plot.ctx.lineWidth = 2 * devicePixelRatio
  plot.ctx.setLineDash([])
  plot.ctx.beginPath()
  plot.ctx.moveTo(x, top)
  plot.ctx.lineTo(x, top + height)
  plot.ctx.stroke()
  plot.ctx.restore()
}

/** A strip on top: the phase as a colour; the panel beside it says the word. */
function drawPhases(plot: uPlot, { times, now }: Shown, token: (name: string) => string) {
  const { left, top, width } = plot.bbox
  const { ctx } = plot
  ctx.save()
  times.points.forEach((point, index) => {
    const start = Math.max(left, plot.valToPos(point.at / 1000, "x", true))
    const until = times.points[index + 1]?.at ?? now
    const end = Math.min(left + width, plot.valToPos(until / 1000, "x", true))
    if (end <= start) return
    ctx.fillStyle = token(`--${lookOf(point.item.phase).tone}`)
    ctx.fillRect(start, top - 6 * devicePixelRatio, end - start, 4 * devicePixelRatio)
  })
  ctx.restore()
}

function drawLanes(plot: uPlot, { times, from, to }: Shown, token: (name: string) => string) {
  const { ctx } = plot
  const { left, top, width, height } = plot.bbox
  const ratio = devicePixelRatio
  const size = MARK * ratio
  ctx.save()
  ctx.setLineDash([])
  ctx.strokeStyle = token("--line")
  ctx.lineWidth = ratio
  ctx.beginPath()
  ctx.moveTo(left, Math.round(top + height / 2) + 0.5)
  ctx.lineTo(left + width, Math.round(top + height / 2) + 0.5)
  ctx.stroke()
  ctx.beginPath()
  ctx.rect(left - size, top, width + size * 2, height)
  ctx.clip()
  const measurements = times.marks.filter((mark) => mark.item.kind === "measurement")
  const events = times.marks.filter((mark) => mark.item.kind !== "measurement")
  for (const [index, marks] of [measurements, events].entries()) {
    const middle = top + (height * (index * 2 + 1)) / 4
    const placed = lane(marks, [from, to], (size * 2.3) / width, ROWS)
    // Trouble is drawn last: nothing covers it.
    const looked = placed.map((one) => ({ ...one, look: markLook(one.mark) }))
    looked.sort((a, b) => Number(a.look.tone === "bad") - Number(b.look.tone === "bad"))
    for (const { look, x, row } of looked) {
      const colour = token(`--${look.tone}`)
      ctx.fillStyle = colour
      ctx.strokeStyle = colour
      ctx.lineWidth = 2.2 * ratio
      // The middle row first, then above and below it.
      const offset = row === 0 ? 0 : row % 2 === 1 ? -1 : 1
      drawShape(ctx, look.shape, left + x * width, middle + offset * size * 2.05, size)
    }
  }
  ctx.restore()
}
