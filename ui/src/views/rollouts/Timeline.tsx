import "@/views/rollouts/timeline.css"
import { Button, SegmentedControl, useComputedColorScheme } from "@mantine/core"
import { lazy, Suspense, useMemo, useState, type KeyboardEvent } from "react"
import { Link } from "wouter"
import { useValue } from "@/api/live"
import type { Timeline as TimelineData, TimelineMark } from "@/api/types"
import { useNow } from "@/components/Ago"
import { Phase } from "@/components/Phase"
import { Loading, Shown } from "@/components/States"
import { revisionColour } from "@/lib/chart"
import { clockTime } from "@/lib/time"
import {
  instantAt,
  markLook,
  nextStop,
  revisionsIn,
  SPANS,
  spanOf,
  stops,
  timesOf,
  weights,
  type Instant,
  type MarkShape,
  type Span,
} from "@/lib/timeline"

const TimelineChart = lazy(() => import("@/views/rollouts/TimelineChart"))
const HEIGHT = 404

/** How a Rollout went: weights, pods, measurements and events on one axis of time. */
export default function Timeline({ namespace, name }: { namespace: string; name: string }) {
  const loaded = useValue<TimelineData>(`timeline/${namespace}/${name}`)
  return (
    <section className="card panel timeline" aria-label="Timeline">
      <Shown
        loaded={loaded}
        lines={1}
        missing={
          <>
            <h2>Timeline</h2>
            <p className="faint">Nothing is recorded of this Rollout yet.</p>
          </>
        }
      >
        {(timeline) => <Recorded timeline={timeline} />}
      </Shown>
    </section>
  )
}

function Recorded({ timeline }: { timeline: TimelineData }) {
  const now = useNow()
  const scheme = useComputedColorScheme("light")
  const times = useMemo(() => timesOf(timeline), [timeline])
  const [range, setRange] = useState<Span>("update")
  const [zoom, setZoom] = useState<readonly [number, number] | null>(null)
  const [hover, setHover] = useState<number | null>(null)
  const [pinned, setPinned] = useState<number | null>(null)
  const [from, to] = zoom ?? spanOf(times, range, now)
  const at = hover ?? pinned ?? now
  // Events have whole seconds; further away counts when seconds cannot be told apart on the screen.
  const found = instantAt(times, at, Math.max(1200, (to - from) / 60))
  const isNow = hover === null && pinned === null

  function onKeyDown(event: KeyboardEvent) {
    const here = pinned ?? now
    const all = stops(times, [from, to])
    const step = (to - from) / 50
    const moves: Readonly<Record<string, () => number | null>> = {
      ArrowRight: () => (event.shiftKey ? Math.min(to, here + step) : nextStop(all, here, 1)),
      ArrowLeft: () => (event.shiftKey ? Math.max(from, here - step) : nextStop(all, here, -1)),
      ArrowUp: () => nextStop(all, here, 1),
      ArrowDown: () => nextStop(all, here, -1),
      PageUp: () => Math.min(to, here + step * 10),
      PageDown: () => Math.max(from, here - step * 10),
      Home: () => all[0] ?? from,
      End: () => null,
      Escape: () => null,
    }
    const move = moves[event.key]
    if (move === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === "Escape" && isNow && zoom === null) return
    event.preventDefault()
    event.stopPropagation()
    if (event.key === "Escape") setZoom(null)
    const next = move()
    setPinned(next === null || next >= now - 500 ? null : next)
  }

  return (
    <>
      <div className="panel-head timeline-head">
        <h2>Timeline</h2>
        <span className="faint">recorded since {clockTime(times.since, now)}</span>
        <div className="timeline-ranges">
          {zoom !== null && (
            <Button size="compact-sm" variant="default" onClick={() => setZoom(null)}>
              Undo zoom
            </Button>
          )}
          <SegmentedControl
            size="xs"
            aria-label="Range"
            value={zoom === null ? range : ""}
            data={SPANS.map(({ span, label }) => ({ value: span, label }))}
            onChange={(value) => {
              setRange(SPANS.find(({ span }) => span === value)?.span ?? "all")
              setZoom(null)
            }}
          />
        </div>
      </div>
      <div className="timeline-body">
        <div className="timeline-plots">
          <div
            role="slider"
            tabIndex={0}
            className="timeline-slider"
            aria-label="Time; the arrow keys go from one thing that happened to the next"
            aria-valuemin={Math.round(from / 1000)}
            aria-valuemax={Math.round(to / 1000)}
            aria-valuenow={Math.round(Math.min(to, Math.max(from, at)) / 1000)}
            aria-valuetext={spoken(found, now)}
            onKeyDown={onKeyDown}
          >
            <Suspense fallback={<Loading lines={1} height={HEIGHT} />}>
              <TimelineChart
                times={times}
                now={now}
                from={from}
                to={to}
                pinned={pinned}
                scheme={scheme}
                onHover={setHover}
                onPin={setPinned}
                onZoom={(start, end) => setZoom([start, end])}
              />
            </Suspense>
          </div>
          <Legend revisions={revisionsIn(times, [from, to])} scheme={scheme} />
        </div>
        <AtInstant found={found} now={now} isNow={isNow} isPinned={pinned !== null && hover === null} scheme={scheme} onNow={() => setPinned(null)} />
      </div>
    </>
  )
}

/** The same in a sentence. */
function spoken(found: Instant, now: number): string {
  if (!found.isRecorded) return `${clockTime(found.at, now)}: not recorded`
  const ready = found.ready.map((one) => `revision ${one.revision}: ${one.ready} of ${one.pods} ready`)
  const close = [found.measurements, found.events].filter((near) => near.isClose).flatMap((near) => near.marks)
  const marks = new Set(close.map((mark) => (mark.phase === "Normal" ? mark.label : `${mark.label} ${mark.phase}`)))
  return [clockTime(found.at, now), found.phase, weights(found), ...ready, ...marks].join(", ")
}

function AtInstant({
  found,
  now,
  isNow,
  isPinned,
  scheme,
  onNow,
}: {
  found: Instant
  now: number
  isNow: boolean
  isPinned: boolean
  scheme: "light" | "dark"
  onNow: () => void
}) {
  return (
    <div className="instant" role="group" aria-label="At this instant" tabIndex={0}>
      <div className="instant-head">
        <strong>{isNow ? "Now" : clockTime(found.at, now)}</strong>
        {isPinned && (
          <Button size="compact-xs" variant="default" onClick={onNow}>
            Back to now
          </Button>
        )}
        {found.isRecorded && <Phase phase={found.phase} />}
      </div>
      {!found.isRecorded ? (
        <p className="faint">Nobody recorded it then. Marks come from what Kubernetes remembers.</p>
      ) : (
        <dl className="instant-facts">
          <div>
            <dt>Set weight</dt>
            <dd>{found.setWeight === null ? "none" : `${found.setWeight} %`}</dd>
          </div>
          <div>
            <dt>Actual weight</dt>
            <dd>{found.actualWeight === null ? "none" : `${found.actualWeight} %`}</dd>
          </div>
          {found.ready.map((one) => (
            <div key={one.revision}>
              <dt>
                <span className="swatch" aria-hidden="true" style={{ background: revisionColour(one.revision, scheme) }} />
                Revision {one.revision}
              </dt>
              <dd>
                {one.ready} of {one.pods} ready
              </dd>
            </div>
          ))}
        </dl>
      )}
      <Marks title={found.measurements.isClose ? "Measurements" : "Nearest measurement"} marks={found.measurements.marks} now={now} />
      <Marks title={found.events.isClose ? "Events" : "Nearest event"} marks={found.events.marks} now={now} />
    </div>
  )
}

function Marks({ title, marks, now }: { title: string; marks: readonly TimelineMark[]; now: number }) {
  if (marks.length === 0) return null
  return (
    <>
      <h3>{title}</h3>
      <ul className="instant-marks">
        {marks.map((mark, index) => {
          const look = markLook(mark)
          const words = mark.text.startsWith(`${mark.label}: `) ? mark.text.slice(mark.label.length + 2) : mark.text
          return (
            <li key={`${mark.at} ${index}`}>
              <Shape shape={look.shape} tone={look.tone} />
              <div>
                {mark.href === "" ? <strong>{mark.label}</strong> : <Link href={mark.href}>{mark.label}</Link>}
                {mark.phase !== "Normal" && <span className="instant-phase"> {mark.phase}</span>}
                <span className="faint"> {clockTime(Date.parse(mark.at), now)}</span>
                {words !== mark.label && <div className="instant-text">{words}</div>}
              </div>
            </li>
          )
        })}
      </ul>
    </>
  )
}

/** The same shapes as in the chart. */
function Shape({ shape, tone }: { shape: MarkShape; tone: string }) {
  return (
    <svg className="shape" data-tone={tone} viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      {shape === "circle" && <circle cx="6" cy="6" r="4.2" fill="currentColor" />}
      {shape === "cross" && <path d="M2 2 10 10M10 2 2 10" stroke="currentColor" strokeWidth="2.4" />}
      {shape === "square" && <rect x="2" y="2" width="8" height="8" fill="none" stroke="currentColor" strokeWidth="1.8" />}
      {shape === "triangle" && <path d="M6 1 11.3 10.6H.7Z" fill="currentColor" />}
      {shape === "diamond" && <path d="M6 1 11 6 6 11 1 6Z" fill="currentColor" />}
      {shape === "tick" && <path d="M6 1V11" stroke="currentColor" strokeWidth="2.2" />}
    </svg>
  )
}

function Legend({ revisions, scheme }: { revisions: readonly number[]; scheme: "light" | "dark" }) {
  return (
    <ul className="timeline-legend" aria-label="Legend">
      <li>
        <span className="line-set" aria-hidden="true" /> set weight
      </li>
      <li>
        <span className="line-actual" aria-hidden="true" /> actual weight
      </li>
      {revisions.map((revision) => (
        <li key={revision}>
          <span className="swatch" aria-hidden="true" style={{ background: revisionColour(revision, scheme) }} /> ready, revision {revision}
        </li>
      ))}
      <li>
        <Shape shape="circle" tone="ok" /> successful
      </li>
      <li>
        <Shape shape="cross" tone="bad" /> failed
      </li>
      <li>
        <Shape shape="triangle" tone="bad" /> error, warning
      </li>
      <li>
        <Shape shape="diamond" tone="hold" /> inconclusive
      </li>
      <li>
        <Shape shape="circle" tone="calm" /> event
      </li>
      <li>
        <Shape shape="tick" tone="calm" /> step
      </li>
    </ul>
  )
}
