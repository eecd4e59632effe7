import { useWindowVirtualizer } from "@tanstack/react-virtual"
import { useLayoutEffect, useState, type RefObject } from "react"
import type { RolloutRow } from "@/api/types"
import { cardColumns } from "@/lib/rollouts"
import { RolloutCard } from "@/views/rollouts/RolloutCard"
import { useTop, type Reveal } from "@/views/rollouts/RolloutTable"

const MANY = 60
const GAP = 14
const CARD_HEIGHT = 214
const ROOMY_MOST = 760

/** A wall of cards. A few of them are larger, so that they fill it; of many, only those in view are drawn. */
export function Cards({
  rows,
  favourites,
  reveal,
  columns,
}: {
  rows: readonly RolloutRow[]
  favourites: ReadonlySet<string>
  reveal: RefObject<Reveal>
  columns: RefObject<number>
}) {
  const [element, setElement] = useState<HTMLDivElement | null>(null)
  const width = useWidth(element)
  const margin = useTop(element)
  const { across, isRoomy } = cardColumns(width, GAP, rows.length)
  const isVirtual = rows.length > MANY
  const virtualizer = useWindowVirtualizer({
    count: isVirtual && width > 0 ? Math.ceil(rows.length / across) : 0,
    estimateSize: () => CARD_HEIGHT,
    gap: GAP,
    overscan: 2,
    scrollMargin: margin,
    useFlushSync: false,
  })
  columns.current = across
  reveal.current = (index) => {
    if (isVirtual) virtualizer.scrollToIndex(Math.floor(index / across))
  }
  const template = { gridTemplateColumns: `repeat(${across}, minmax(0, ${isRoomy ? `${ROOMY_MOST}px` : "1fr"}))` }
  const card = (index: number) => {
    const row = rows[index]
    if (row === undefined) return null
    return <RolloutCard key={row.key} row={row} isFavourite={favourites.has(row.key)} index={index} count={rows.length} />
  }
  if (!isVirtual) {
    return (
      <div ref={setElement} role="list" aria-label="Rollouts" className="wall" data-roomy={isRoomy} style={template}>
        {rows.map((_, index) => card(index))}
      </div>
    )
  }
  return (
    <div ref={setElement} role="list" aria-label="Rollouts" style={{ position: "relative", height: virtualizer.getTotalSize() }}>
      {virtualizer.getVirtualItems().map((item) => (
        <div
          key={item.key}
          ref={virtualizer.measureElement}
          data-index={item.index}
          role="presentation"
          className="wall wall-row"
          style={{ ...template, transform: `translateY(${item.start - margin}px)` }}
        >
          {Array.from({ length: across }, (_, column) => card(item.index * across + column))}
        </div>
      ))}
    </div>
  )
}

function useWidth(element: HTMLElement | null): number {
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    if (element === null) return undefined
    setWidth(element.clientWidth)
    const observer = new ResizeObserver(() => setWidth(element.clientWidth))
    observer.observe(element)
    return () => observer.disconnect()
  }, [element])
  return width
}
