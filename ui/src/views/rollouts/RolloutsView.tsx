import "@/views/rollouts/rollouts.css"
import { Button, CloseButton, SegmentedControl, TextInput } from "@mantine/core"
import { useHotkeys } from "@mantine/hooks"
import { useWindowVirtualizer } from "@tanstack/react-virtual"
import { useCallback, useDeferredValue, useLayoutEffect, useMemo, useRef, useState, type FocusEvent, type MouseEvent, type RefObject } from "react"
import { useLocation } from "wouter"
import { useRows } from "@/api/live"
import type { RolloutRow } from "@/api/types"
import { CopyText } from "@/components/CopyText"
import { Empty, Shown } from "@/components/States"
import { useFavourites } from "@/lib/favourites"
import { terms } from "@/lib/filter"
import { ALL, useNamespace } from "@/lib/namespace"
import { lookOf } from "@/lib/phases"
import { moved, parsePhases, switched, wall, type Move } from "@/lib/rollouts"
import { useQuery, useSearchText } from "@/lib/search"
import { useTitle } from "@/lib/title"
import { RolloutCard } from "@/views/rollouts/RolloutCard"
import { RolloutTable, useTop, type Reveal } from "@/views/rollouts/RolloutTable"

const MANY = 60
const CARD_WIDTH = 350
const GAP = 14
const CARD_HEIGHT = 214
const VIEW_KEY = "canarium.rollouts.view"

type View = "cards" | "table"

/** Every Rollout: a wall of cards, or a table. */
export function RolloutsView() {
  const loaded = useRows<RolloutRow>("rollouts")
  useTitle("Rollouts")
  return (
    <Shown loaded={loaded} lines={5} missing={<Empty title="There is nothing here" />}>
      {(rows) => <Wall all={rows} />}
    </Shown>
  )
}

function Wall({ all }: { all: readonly RolloutRow[] }) {
  const [query, change] = useQuery()
  const [namespace, chooseNamespace] = useNamespace()
  const [view, setView] = useView(query.get("view"), change)
  const [text, setText] = useSearchText(query.get("q") ?? "", change)
  const phaseText = query.get("phase") ?? ""
  const favouritesOnly = query.get("fav") === "1"
  const favourites = useFavourites()
  const deferredText = useDeferredValue(text)
  const deferredAll = useDeferredValue(all)
  const phases = useMemo(() => parsePhases(phaseText), [phaseText])
  const wanted = useMemo(() => terms(deferredText), [deferredText])
  const shown = useMemo(
    () => wall(deferredAll, favourites, { namespace, terms: wanted, phases, favouritesOnly }),
    [deferredAll, favourites, namespace, wanted, phases, favouritesOnly],
  )
  const search = useRef<HTMLInputElement>(null)
  const list = useRef<HTMLDivElement>(null)
  const reveal = useRef<Reveal>(() => undefined)
  const columns = useRef(1)
  useListKeys({ search, list, reveal, columns, count: shown.rows.length, clear: () => setText("") })
  const openCard = useOpenCard()
  const keepFocus = useKeptFocus(list)
  const isNarrowed = text !== "" || phases.size > 0 || favouritesOnly
  const clear = () => {
    setText("")
    change({ q: "", phase: "", fav: "" })
  }

  return (
    <>
      <div className="wall-head">
        <h1>Rollouts</h1>
        <span className="faint" role="status">
          {shown.rows.length === shown.total ? shown.total : `${shown.rows.length} of ${shown.total}`}
          {namespace === ALL ? "" : ` in ${namespace}`}
        </span>
        <div className="wall-tools">
          <TextInput
            ref={search}
            className="wall-search"
            type="search"
            aria-label="Search by name or label"
            aria-keyshortcuts="/"
            placeholder="name or label:value"
            title={'Several words: all of them. "web": exactly this name. app:web: a label. / comes here, Escape clears.'}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === "Escape") {
                if (text === "") event.currentTarget.blur()
                setText("")
              } else if (event.key === "ArrowDown") {
                event.preventDefault()
                list.current?.querySelector<HTMLElement>(".rollout-name")?.focus()
              }
            }}
            rightSection={text === "" ? <kbd className="key">/</kbd> : <CloseButton size="sm" aria-label="Clear the search" onClick={() => setText("")} />}
          />
          <SegmentedControl
            aria-label="How they are shown"
            data={[
              { value: "cards", label: "Cards" },
              { value: "table", label: "Table" },
            ]}
            value={view}
            onChange={(value) => setView(value === "table" ? "table" : "cards")}
          />
        </div>
      </div>
      <div className="counters" role="group" aria-label="Show only">
        {shown.counts.map(([phase, count]) => (
          <button
            key={phase}
            type="button"
            className="counter"
            data-tone={lookOf(phase).tone}
            aria-pressed={phases.has(phase)}
            onClick={() => change({ phase: [...switched(phases, phase)].join(",") })}
          >
            <span aria-hidden="true">{lookOf(phase).sign}</span> {phase} <strong>{count}</strong>
          </button>
        ))}
        {(favouritesOnly || favourites.size > 0) && (
          <button type="button" className="counter" data-tone="calm" aria-pressed={favouritesOnly} onClick={() => change({ fav: favouritesOnly ? "" : "1" })}>
            <span aria-hidden="true">★</span> Favourites <strong>{shown.favourites}</strong>
          </button>
        )}
        {isNarrowed && (
          <button type="button" className="counter counter-clear" onClick={clear}>
            Show all
          </button>
        )}
      </div>
      <div ref={list} onClick={openCard} {...keepFocus}>
        {shown.rows.length === 0 ? (
          <Nothing isNarrowed={isNarrowed} namespace={namespace} clear={clear} everywhere={() => chooseNamespace(ALL)} />
        ) : view === "table" ? (
          <RolloutTable rows={shown.rows} favourites={favourites} reveal={reveal} />
        ) : (
          <Cards rows={shown.rows} favourites={favourites} reveal={reveal} columns={columns} />
        )}
      </div>
    </>
  )
}

function Nothing({ isNarrowed, namespace, clear, everywhere }: { isNarrowed: boolean; namespace: string; clear: () => void; everywhere: () => void }) {
  if (isNarrowed) {
    return (
      <Empty title="No Rollout matches">
        <p>Search for a part of a name, or for label:value; several words have to match all.</p>
        <Button variant="default" onClick={clear}>
          Show all
        </Button>
      </Empty>
    )
  }
  return (
    <Empty title={namespace === ALL ? "There are no Rollouts yet" : `There are no Rollouts in ${namespace}`}>
      <p>They appear here as soon as an Application or kubectl creates one.</p>
      <CopyText text="kubectl apply -f rollout.yaml" />
      {namespace !== ALL && (
        <Button variant="default" onClick={everywhere}>
          Look in all namespaces
        </Button>
      )}
    </Empty>
  )
}

function Cards({
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
  const across = Math.max(1, Math.floor((width + GAP) / (CARD_WIDTH + GAP)))
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
  const template = { gridTemplateColumns: `repeat(${across}, minmax(0, 1fr))` }
  const card = (index: number) => {
    const row = rows[index]
    if (row === undefined) return null
    return <RolloutCard key={row.key} row={row} isFavourite={favourites.has(row.key)} index={index} count={rows.length} />
  }
  if (!isVirtual) {
    return (
      <div ref={setElement} role="list" aria-label="Rollouts" className="wall" style={template}>
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

/** The whole card opens with a click; links and buttons in it do what they do. */
function useOpenCard() {
  const [, navigate] = useLocation()
  return useCallback(
    (event: MouseEvent) => {
      if (!(event.target instanceof Element) || event.target.closest("a, button") !== null) return
      const link = event.target.closest(".rollout-card")?.querySelector<HTMLAnchorElement>("a.rollout-name")
      const isSelecting = (window.getSelection()?.toString() ?? "") !== ""
      if (link !== null && link !== undefined && !isSelecting) navigate(link.pathname)
    },
    [navigate],
  )
}

/** A card that moves to another place of the list is another element there; the focus goes along. */
function useKeptFocus(list: RefObject<HTMLDivElement | null>) {
  const focused = useRef("")
  useLayoutEffect(() => {
    if (focused.current === "" || document.activeElement !== document.body) return
    list.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused.current)}"] .rollout-name`)?.focus({ preventScroll: true })
  })
  return {
    onFocus: (event: FocusEvent) => {
      focused.current = event.target.closest("[data-key]")?.getAttribute("data-key") ?? ""
    },
    onBlur: () => {
      focused.current = "" // React tells nobody when it removes the element itself
    },
  }
}

/** Cards or table: in the address, and remembered for the next time. */
function useView(asked: string | null, change: (changes: Record<string, string>) => void): [View, (view: View) => void] {
  const [fallback, setFallback] = useState<View>(() => {
    try {
      return window.localStorage.getItem(VIEW_KEY) === "table" ? "table" : "cards"
    } catch {
      return "cards"
    }
  })
  const view: View = asked === "table" ? "table" : asked === "cards" ? "cards" : fallback
  const set = (next: View) => {
    setFallback(next)
    try {
      window.localStorage.setItem(VIEW_KEY, next)
    } catch {
      // not remembered then
    }
    change({ view: next })
  }
  return [view, set]
}

function useListKeys({
  search,
  list,
  reveal,
  columns,
  count,
  clear,
}: {
  search: RefObject<HTMLInputElement | null>
  list: RefObject<HTMLDivElement | null>
  reveal: RefObject<Reveal>
  columns: RefObject<number>
  count: number
  clear: () => void
}) {
  const focus = (index: number) => {
    const find = () => list.current?.querySelector<HTMLElement>(`.rollout-name[data-index="${index}"]`)
    const found = find()
    if (found) {
      found.focus()
      found.closest(".rollout-card, tr")?.scrollIntoView({ block: "nearest" })
      return
    }
    reveal.current(index)
    requestAnimationFrame(() => requestAnimationFrame(() => find()?.focus()))
  }
  const move = (way: Move, isArrow: boolean) => (event: KeyboardEvent) => {
    const focused = document.activeElement
    const card = list.current?.contains(focused) === true ? focused?.closest(".rollout-card, tr") : null
    if (isArrow && !card) return // arrows scroll, unless a card has the focus
    event.preventDefault()
    const here = Number(card?.querySelector(".rollout-name")?.getAttribute("data-index") ?? -1)
    const isTable = list.current?.querySelector("table") !== null
    focus(moved(here, way, count, isArrow && !isTable ? columns.current : 1))
  }
  useHotkeys([
    ["/", () => search.current?.focus()],
    ["j", move("next", false)],
    ["k", move("previous", false)],
    ["ArrowDown", move("next", true), { preventDefault: false }],
    ["ArrowUp", move("previous", true), { preventDefault: false }],
    ["ArrowRight", move("right", true), { preventDefault: false }],
    ["ArrowLeft", move("left", true), { preventDefault: false }],
    ["Escape", clear],
  ])
}
