import "@/views/rollouts/rollouts.css"
import { Button, CloseButton, SegmentedControl, TextInput } from "@mantine/core"
import { useDeferredValue, useMemo, useRef, useState } from "react"
import { useRows, useValue } from "@/api/live"
import type { RolloutRow, Session } from "@/api/types"
import { CopyText } from "@/components/CopyText"
import { RowProblems } from "@/components/RowProblems"
import { Empty, Shown } from "@/components/States"
import { useFavourites } from "@/lib/favourites"
import { terms } from "@/lib/filter"
import { ALL, useNamespace } from "@/lib/namespace"
import { lookOf } from "@/lib/phases"
import { parsePhases, switched, wall } from "@/lib/rollouts"
import { useQuery, useSearchText } from "@/lib/search"
import { useTitle } from "@/lib/title"
import { Cards } from "@/views/rollouts/Cards"
import { useKeptFocus, useListKeys, useOpenCard } from "@/views/rollouts/keys"
import { RolloutTable, type Reveal } from "@/views/rollouts/RolloutTable"

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
      <RowProblems topic="rollouts" />
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
  const session = useValue<Session>("session")
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
  if (session.state === "data" && session.value.missing.includes("rollouts")) {
    return (
      <Empty title="This cluster knows no Rollouts">
        <p>The kind is not installed in {session.value.cluster}. Once Argo Rollouts is, its Rollouts appear here.</p>
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
