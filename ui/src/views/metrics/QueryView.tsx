import { Button } from "@mantine/core"
import { useDisclosure } from "@mantine/hooks"
import { useCallback, useMemo, useRef, useState } from "react"
import { useLocation, useSearch } from "wouter"
import { decodePanels, encodePanels, NEW_PANEL, type Panel } from "@/lib/queryurl"
import { Explorer } from "@/views/metrics/Explorer"
import { FirstQueries } from "@/views/metrics/FirstQueries"
import { QueryPanel, type PanelHandle } from "@/views/metrics/QueryPanel"

/** Several queries, all of it in the address. */
export function QueryView() {
  const search = useSearch()
  const [, navigate] = useLocation()
  const panels = useMemo(() => decodePanels(search), [search])
  const [isExploring, explorer] = useDisclosure(false)
  const handles = useRef(new Map<number, PanelHandle>())
  const active = useRef(0)
  const [keys, setKeys] = useState<readonly number[]>([])
  // A panel keeps its editor when another one is taken away.
  const keyOf = (index: number) => keys[index] ?? index

  const show = useCallback(
    (next: readonly Panel[], isStep: boolean) => {
      const text = encodePanels(next)
      navigate(text === "" ? "/query" : `/query?${text}`, { replace: !isStep })
    },
    [navigate],
  )
  const change = (index: number, panel: Panel, isStep: boolean) => {
    const now = decodePanels(window.location.search)
    show(
      Array.from({ length: Math.max(now.length, index + 1) }, (_, at) => (at === index ? panel : (now[at] ?? NEW_PANEL))),
      isStep,
    )
  }
  const add = () => {
    const last = panels.at(-1) ?? NEW_PANEL
    setKeys([...panels.map((_, index) => keyOf(index)), Math.max(-1, ...panels.map((_, index) => keyOf(index))) + 1])
    active.current = panels.length
    show([...panels, { ...NEW_PANEL, tab: last.tab === "explain" ? "table" : last.tab, range: last.range, end: last.end }], true)
  }
  const remove = (index: number) => {
    setKeys(panels.map((_, at) => keyOf(at)).filter((_, at) => at !== index))
    active.current = 0
    show(panels.filter((_, at) => at !== index), true)
  }

  const isUntouched = panels.length === 1 && panels[0]?.expr.trim() === ""
  return (
    <>
      <header className="metrics-head">
        <h1 className="visually-hidden">Query</h1>
        <div className="metrics-head-end">
          <Button size="xs" variant="default" onClick={explorer.open}>
            Explore metrics
          </Button>
        </div>
      </header>
      {panels.map((panel, index) => (
        <QueryPanel
          key={keyOf(index)}
          number={index + 1}
          isOnly={panels.length === 1}
          panel={panel}
          handle={(handle) => {
            if (handle === null) handles.current.delete(index)
            else handles.current.set(index, handle)
          }}
          onFocus={() => (active.current = index)}
          onChange={(next, isStep) => change(index, next, isStep)}
          onRemove={() => remove(index)}
        />
      ))}
      {isUntouched ? (
        <FirstQueries onChoose={({ expr, tab }) => change(0, { ...NEW_PANEL, expr, tab }, true)} onExplore={explorer.open} />
      ) : (
        <Button size="sm" variant="default" onClick={add}>
          + Add a query
        </Button>
      )}
      <Explorer
        isOpen={isExploring}
        onClose={explorer.close}
        onInsert={(text) => {
          explorer.close()
          const handle = handles.current.get(active.current) ?? handles.current.get(0)
          handle?.insert(text)
        }}
      />
    </>
  )
}
