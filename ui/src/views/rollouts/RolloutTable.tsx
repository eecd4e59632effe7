import { useWindowVirtualizer } from "@tanstack/react-virtual"
import { memo, useLayoutEffect, useRef, useState, type RefObject } from "react"
import { Link } from "wouter"
import type { RolloutRow } from "@/api/types"
import { Ago } from "@/components/Ago"
import { Phase } from "@/components/Phase"
import { remark, rolloutPath, weightText } from "@/lib/rollouts"
import { Bar, PlainSquares, Star, strategyText } from "@/views/rollouts/RolloutCard"

const MANY = 60
const ROW_HEIGHT = 57
const PODS_SHOWN = 14

/** Brings the row or card with this index into view; what is not drawn can't be focused. */
export type Reveal = (index: number) => void

/** The same as a table. Only what is in view is drawn once there are many. */
export function RolloutTable({
  rows,
  favourites,
  reveal,
}: {
  rows: readonly RolloutRow[]
  favourites: ReadonlySet<string>
  reveal: RefObject<Reveal>
}) {
  const [body, setBody] = useState<HTMLTableSectionElement | null>(null)
  const margin = useTop(body)
  const isVirtual = rows.length > MANY
  const virtualizer = useWindowVirtualizer({
    count: isVirtual ? rows.length : 0,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8,
    scrollMargin: margin,
    getItemKey: (index) => rows[index]?.key ?? index,
    useFlushSync: false,
  })
  reveal.current = (index) => {
    if (isVirtual) virtualizer.scrollToIndex(index)
  }
  const items = virtualizer.getVirtualItems()
  const before = (items[0]?.start ?? margin) - margin
  const after = isVirtual ? virtualizer.getTotalSize() - ((items.at(-1)?.end ?? margin) - margin) : 0
  const shown = isVirtual ? items.flatMap((item) => (rows[item.index] === undefined ? [] : [item.index])) : rows.map((_, index) => index)
  return (
    <div className="card rollout-table">
      <table aria-rowcount={rows.length + 1}>
        <caption className="visually-hidden">Rollouts</caption>
        <thead>
          <tr>
            <th scope="col" className="col-star">
              <span className="visually-hidden">Favourite</span>
            </th>
            <th scope="col">Name</th>
            <th scope="col" className="col-phase">
              Phase
            </th>
            <th scope="col" className="col-weight">
              Weight
            </th>
            <th scope="col" className="col-step">
              Step
            </th>
            <th scope="col" className="col-ready">
              Ready
            </th>
            <th scope="col" className="col-pods">
              Pods
            </th>
            <th scope="col" className="col-text">
              Message
            </th>
            <th scope="col" className="col-since">
              Since
            </th>
          </tr>
        </thead>
        <tbody ref={setBody}>
          {before > 0 && <Space height={before} />}
          {shown.map((index) => {
            const row = rows[index]
            if (row === undefined) return null
            return <Row key={row.key} row={row} index={index} isFavourite={favourites.has(row.key)} measure={isVirtual ? virtualizer.measureElement : undefined} />
          })}
          {after > 0 && <Space height={after} />}
        </tbody>
      </table>
    </div>
  )
}

function Space({ height }: { height: number }) {
  return (
    <tr aria-hidden="true">
      <td colSpan={9} style={{ height, padding: 0, border: 0 }} />
    </tr>
  )
}

const Row = memo(function Row({
  row,
  index,
  isFavourite,
  measure,
}: {
  row: RolloutRow
  index: number
  isFavourite: boolean
  measure: ((element: HTMLElement | null) => void) | undefined
}) {
  const text = remark(row)
  return (
    <tr ref={measure} data-index={index} data-key={row.key} aria-rowindex={index + 2}>
      <td className="col-star">
        <Star rolloutKey={row.key} isFavourite={isFavourite} />
      </td>
      <th scope="row">
        <Link href={rolloutPath(row.namespace, row.name)} className="rollout-name" data-index={index} title={row.name}>
          {row.name}
        </Link>
        <div className="faint small">
          {row.namespace}
          {row.strategy === "" ? "" : ` · ${strategyText(row)}`}
        </div>
      </th>
      <td className="col-phase">
        <Phase phase={row.phase} />
      </td>
      <td className="col-weight">
        {(row.setWeight !== null || row.actualWeight !== null) && (
          <>
            <span className="small">{weightText(row)}</span>
            <Bar set={row.setWeight} actual={row.actualWeight} isDone={row.phase === "Healthy"} />
          </>
        )}
      </td>
      <td className="col-step nowrap">{row.step === null ? <span className="faint">–</span> : `${row.step}/${row.steps}`}</td>
      <td className="col-ready nowrap">
        {row.ready}/{row.desired}
      </td>
      <td className="col-pods">
        <span className="pods-cell">
          {row.replicaSets
            .filter((one) => one.pods.length > 0)
            .map((one) => (
              <PlainSquares key={one.name} pods={one.pods} most={PODS_SHOWN} />
            ))}
        </span>
      </td>
      <td className="col-text">
        <span className="rollout-text" title={text}>
          {text}
        </span>
      </td>
      <td className="col-since nowrap faint">
        <Ago at={row.since} bare />
      </td>
    </tr>
  )
})

/** How far from the top of the page an element begins. */
export function useTop(element: HTMLElement | null): number {
  const [top, setTop] = useState(0)
  const last = useRef(0)
  useLayoutEffect(() => {
    if (element === null) return undefined
    const measure = () => {
      const found = Math.round(element.getBoundingClientRect().top + window.scrollY)
      if (Math.abs(found - last.current) > 1) {
        last.current = found
        setTop(found)
      }
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(document.body)
    return () => observer.disconnect()
  }, [element])
  return top
}
