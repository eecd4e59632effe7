import "@/views/applications/applications.css"
import { Button, CloseButton, SegmentedControl, TextInput } from "@mantine/core"
import { useHotkeys } from "@mantine/hooks"
import { useDeferredValue, useMemo, useRef, type RefObject } from "react"
import { Link } from "wouter"
import { useRows, type Loaded } from "@/api/live"
import type { ApplicationRow, ApplicationSetRow } from "@/api/types"
import { CopyText } from "@/components/CopyText"
import { Empty, Shown } from "@/components/States"
import { isInNamespace, narrowed, narrowedSets, parseWords, switchedWords, type Count } from "@/lib/applications"
import { terms, type Term } from "@/lib/filter"
import { ALL, useNamespace } from "@/lib/namespace"
import { lookOf } from "@/lib/phases"
import { useQuery, useSearchText } from "@/lib/search"
import { useTitle } from "@/lib/title"
import { ApplicationSets } from "@/views/applications/ApplicationSets"
import { ApplicationTable } from "@/views/applications/ApplicationTable"
import { ApplicationTile } from "@/views/applications/ApplicationTile"
import { useGrowing } from "@/views/applications/parts"

const NONE: ReadonlyMap<string, ApplicationRow> = new Map()

type Tab = "applications" | "applicationsets"

/** Every Application, and every ApplicationSet that makes some. */
export default function ApplicationsView({ tab }: { tab: Tab }) {
  const applications = useRows<ApplicationRow>("applications")
  const sets = useRows<ApplicationSetRow>("applicationsets")
  const [query, change] = useQuery()
  const [namespace] = useNamespace()
  const [text, setText] = useSearchText(query.get("q") ?? "", change)
  const wanted = useTerms(text)
  const known = useMemo(() => (applications.state === "data" ? new Map(applications.value.map((row) => [row.key, row])) : NONE), [applications])
  const search = useRef<HTMLInputElement>(null)
  const list = useRef<HTMLDivElement>(null)
  useListKeys(search, list, () => setText(""))
  const isTable = query.get("view") === "table"
  useTitle(tab === "applications" ? "Applications" : "ApplicationSets")

  return (
    <div className="apps">
      <div className="apps-head">
        <h1 className="visually-hidden">{tab === "applications" ? "Applications" : "ApplicationSets"}</h1>
        <nav className="apps-tabs" aria-label="Applications or ApplicationSets">
          <TabLink tab="applications" here={tab} count={countIn(applications, namespace)}>
            Applications
          </TabLink>
          <TabLink tab="applicationsets" here={tab} count={sets.state === "data" ? narrowedSets(sets.value, known, { namespace, terms: [] }).length : null}>
            ApplicationSets
          </TabLink>
        </nav>
        <div className="apps-tools">
          <TextInput
            ref={search}
            className="apps-search"
            type="search"
            aria-label={tab === "applications" ? "Search by name or label" : "Search by name"}
            aria-keyshortcuts="/"
            placeholder={tab === "applications" ? "name or label:value" : "name"}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === "Escape") {
                if (text === "") event.currentTarget.blur()
                setText("")
              } else if (event.key === "ArrowDown") {
                event.preventDefault()
                list.current?.querySelector<HTMLElement>("a.app-name")?.focus()
              }
            }}
            rightSection={text === "" ? <kbd className="app-key">/</kbd> : <CloseButton size="sm" aria-label="Clear the search" onClick={() => setText("")} />}
          />
          {tab === "applications" && (
            <SegmentedControl
              aria-label="How they are shown"
              data={[
                { value: "tiles", label: "Tiles" },
                { value: "table", label: "Table" },
              ]}
              value={isTable ? "table" : "tiles"}
              onChange={(value) => change({ view: value === "table" ? "table" : "" })}
            />
          )}
        </div>
      </div>
      <div ref={list}>
        {tab === "applications" ? (
          <Shown loaded={applications} lines={4} missing={<NoApplications />}>
            {(rows) => <Applications all={rows} terms={wanted} isTable={isTable} clear={() => setText("")} />}
          </Shown>
        ) : (
          <Shown loaded={sets} lines={3} missing={<NoSets />}>
            {(rows) => <Sets all={rows} known={known} terms={wanted} clear={() => setText("")} />}
          </Shown>
        )}
      </div>
    </div>
  )
}

function countIn(loaded: Loaded<readonly ApplicationRow[]>, namespace: string): number | null {
  return loaded.state === "data" ? loaded.value.filter((row) => isInNamespace(row, namespace)).length : null
}

function TabLink({ tab, here, count, children }: { tab: Tab; here: Tab; count: number | null; children: string }) {
  return (
    <Link href={`/${tab}`} aria-current={tab === here ? "page" : undefined}>
      {children} {count !== null && <span className="apps-count">{count}</span>}
    </Link>
  )
}

function Applications({ all, terms, isTable, clear }: { all: readonly ApplicationRow[]; terms: readonly Term[]; isTable: boolean; clear: () => void }) {
  const [query, change] = useQuery()
  const [namespace, chooseNamespace] = useNamespace()
  const syncText = query.get("sync") ?? ""
  const healthText = query.get("health") ?? ""
  const sync = useMemo(() => parseWords(syncText), [syncText])
  const health = useMemo(() => parseWords(healthText), [healthText])
  // A button is pressed at once; hundreds of tiles follow when they are ready.
  const by = useDeferredValue(useMemo(() => ({ namespace, terms, sync, health }), [namespace, terms, sync, health]))
  const rows = useDeferredValue(all)
  const shown = useMemo(() => narrowed(rows, by), [rows, by])
  const isNarrowed = terms.length > 0 || sync.size > 0 || health.size > 0
  const showAll = () => {
    clear()
    change({ q: "", sync: "", health: "" })
  }
  if (shown.total === 0) {
    return namespace === ALL ? <NoApplications /> : <NoneHere what="Applications" namespace={namespace} everywhere={() => chooseNamespace(ALL)} />
  }
  return (
    <>
      <div className="app-counters">
        <Counters name="Sync" counts={shown.sync} chosen={sync} choose={(one) => change({ sync: switchedWords(sync, one) })} />
        <Counters name="Health" counts={shown.health} chosen={health} choose={(one) => change({ health: switchedWords(health, one) })} />
        <span className="faint app-shown" role="status">
          {isNarrowed ? `${shown.rows.length} of ${shown.total} shown` : ""}
        </span>
        {isNarrowed && (
          <button type="button" className="app-more" onClick={showAll}>
            Show all
          </button>
        )}
      </div>
      {shown.rows.length === 0 ? (
        <NothingFound what="Application" clear={showAll} />
      ) : isTable ? (
        <ApplicationTable rows={shown.rows} />
      ) : (
        <Tiles rows={shown.rows} />
      )}
    </>
  )
}

function Tiles({ rows }: { rows: readonly ApplicationRow[] }) {
  const [limit, end] = useGrowing(rows.length)
  return (
    <>
      <ul className="app-wall" aria-label="Applications">
        {rows.slice(0, limit).map((row) => (
          <ApplicationTile key={row.key} row={row} />
        ))}
      </ul>
      {limit < rows.length && <div ref={end} className="app-end" />}
    </>
  )
}

function Counters({ name, counts, chosen, choose }: { name: string; counts: readonly Count[]; chosen: ReadonlySet<string>; choose: (word: string) => void }) {
  return (
    <div role="group" aria-label={`Show only by ${name.toLowerCase()}`} className="app-counter-group">
      <span className="faint" aria-hidden="true">
        {name}
      </span>
      {counts.map(([word, count]) => (
        <button key={word} type="button" className="app-counter" data-tone={lookOf(word).tone} aria-pressed={chosen.has(word)} onClick={() => choose(word)}>
          <span aria-hidden="true">{lookOf(word).sign}</span> {word} <strong>{count}</strong>
        </button>
      ))}
    </div>
  )
}

function Sets({
  all,
  known,
  terms,
  clear,
}: {
  all: readonly ApplicationSetRow[]
  known: ReadonlyMap<string, ApplicationRow>
  terms: readonly Term[]
  clear: () => void
}) {
  const [namespace, chooseNamespace] = useNamespace()
  const rows = useMemo(() => narrowedSets(all, known, { namespace, terms }), [all, known, namespace, terms])
  if (all.length === 0) return <NoSets />
  if (rows.length > 0) return <ApplicationSets rows={rows} known={known} />
  if (terms.length > 0) return <NothingFound what="ApplicationSet" clear={clear} />
  return <NoneHere what="ApplicationSets" namespace={namespace} everywhere={() => chooseNamespace(ALL)} />
}

function NothingFound({ what, clear }: { what: string; clear: () => void }) {
  return (
    <Empty title={`No ${what} matches`}>
      <p>Search for a part of a name{what === "Application" ? ", or for label:value" : ""}; several words have to match all.</p>
      <Button variant="default" onClick={clear}>
        Show all
      </Button>
    </Empty>
  )
}

function NoneHere({ what, namespace, everywhere }: { what: string; namespace: string; everywhere: () => void }) {
  return (
    <Empty title={`There are no ${what} in ${namespace}`}>
      <p>Neither live any in this namespace, nor do any deploy into it.</p>
      <Button variant="default" onClick={everywhere}>
        Look in all namespaces
      </Button>
    </Empty>
  )
}

function NoApplications() {
  return (
    <Empty title="There are no Applications yet">
      <p>
        An Application says which folder of which git repository belongs into which namespace, and is kept that way. Make one, or an
        ApplicationSet that makes one for each folder:
      </p>
      <CopyText text="kubectl apply -f application.yaml" />
      <CopyText text="kubectl apply -f appset.yaml" />
      <p>It appears here by itself.</p>
    </Empty>
  )
}

function NoSets() {
  return (
    <Empty title="There are no ApplicationSets yet">
      <p>An ApplicationSet makes an Application for each folder of a git repository, or for each entry of a list, and takes it away with it.</p>
      <CopyText text="kubectl apply -f appset.yaml" />
      <p>It appears here by itself.</p>
    </Empty>
  )
}

function useTerms(text: string): readonly Term[] {
  const deferred = useDeferredValue(text)
  return useMemo(() => terms(deferred), [deferred])
}

/** `/` searches, `j` and `k` go from one to the next. */
function useListKeys(search: RefObject<HTMLInputElement | null>, list: RefObject<HTMLDivElement | null>, clear: () => void): void {
  const move = (by: number) => () => {
    const names = [...(list.current?.querySelectorAll<HTMLElement>("a.app-name") ?? [])]
    const here = names.findIndex((one) => one === document.activeElement)
    const next = names[here === -1 ? 0 : Math.min(Math.max(here + by, 0), names.length - 1)]
    next?.focus()
    next?.scrollIntoView({ block: "center" })
  }
  useHotkeys([
    ["/", () => search.current?.focus()],
    ["j", move(1)],
    ["k", move(-1)],
    ["Escape", clear],
  ])
}
