import { ActionIcon, Button, SegmentedControl, Select, Tooltip } from "@mantine/core"
import { lazy, Suspense, useEffect, useImperativeHandle, useRef, useState, type Ref } from "react"
import { asApiError, prometheus } from "@/api/http"
import { UNITS, type Panel, type QueryTab, type Unit } from "@/lib/queryurl"
import type { EditorHandle } from "@/views/metrics/ExpressionEditor"
import { GraphControls } from "@/views/metrics/GraphControls"
import { remember } from "@/views/metrics/history"
import { PanelMenu } from "@/views/metrics/PanelMenu"
import { QueryProblem } from "@/views/metrics/QueryProblem"
import { QueryResult } from "@/views/metrics/QueryResult"
import { TimeInput } from "@/views/metrics/TimeInput"

const ExpressionEditor = lazy(() => import("@/views/metrics/ExpressionEditor"))

/** What the explorer does to a panel. */
export interface PanelHandle {
  insert: (text: string) => void
}

const TABS: readonly { value: QueryTab; label: string }[] = [
  { value: "table", label: "Table" },
  { value: "graph", label: "Graph" },
  { value: "explain", label: "Tree" },
]

const UNIT_NAMES: Readonly<Record<Unit, string>> = {
  none: "Plain numbers",
  short: "Short: k, M, G",
  seconds: "Seconds",
  bytes: "Bytes",
  percent: "Percent (1 is 100 %)",
}

/** One query: the expression, when, and its result as a table, a graph or a tree. */
export function QueryPanel({
  number,
  isOnly,
  panel,
  handle,
  onFocus,
  onChange,
  onRemove,
}: {
  number: number
  isOnly: boolean
  panel: Panel
  handle: Ref<PanelHandle>
  onFocus: () => void
  onChange: (panel: Panel, isStep: boolean) => void
  onRemove: () => void
}) {
  const [draft, setDraft] = useState(panel.expr)
  const [runs, setRuns] = useState(0)
  const [formatProblem, setFormatProblem] = useState("")
  const editor = useRef<EditorHandle>(null)
  const pending = useRef("")
  useEffect(() => setDraft(panel.expr), [panel.expr])
  useImperativeHandle(
    handle,
    () => ({
      insert: (text) => {
        if (editor.current === null) pending.current = text
        else editor.current.insert(text)
      },
    }),
    [],
  )

  const execute = (expr: string) => {
    setFormatProblem("")
    remember(expr)
    setRuns((count) => count + 1)
    if (expr !== panel.expr) onChange({ ...panel, expr }, true)
  }
  const set = (changes: Partial<Panel>) => onChange({ ...panel, expr: draft, ...changes }, false)
  const format = async () => {
    try {
      const text = await prometheus<string>("format_query", { query: draft }, new AbortController().signal)
      setDraft(text)
      setFormatProblem("")
    } catch (error) {
      setFormatProblem(asApiError(error).problem)
    }
  }
  const isChanged = draft !== panel.expr

  return (
    <section className="card query-panel" aria-label={`Query ${number}`} onFocus={onFocus}>
      <div className="panel-query">
        <Suspense fallback={<div className="editor editor-loading mono">{draft || " "}</div>}>
          <ExpressionEditor
            ref={(found: EditorHandle | null) => {
              editor.current = found
              if (found !== null && pending.current !== "") {
                found.insert(pending.current)
                pending.current = ""
              }
            }}
            value={draft}
            onChange={setDraft}
            onExecute={execute}
            isFirst={number === 1 && panel.expr === ""}
          />
        </Suspense>
        <div className="panel-buttons">
          <Button size="sm" onClick={() => execute(draft)} disabled={draft.trim() === ""}>
            Execute
          </Button>
          <PanelMenu
            draft={draft}
            isOnly={isOnly}
            onFormat={() => void format()}
            onChoose={(text) => {
              setDraft(text)
              editor.current?.focus()
            }}
            onRemove={onRemove}
          />
        </div>
      </div>
      {formatProblem !== "" && <QueryProblem problem={formatProblem} expr={draft} goTo={(offset) => editor.current?.goTo(offset)} />}
      <div className="panel-controls">
        <SegmentedControl
          size="xs"
          aria-label={`Result of query ${number} as`}
          data={[...TABS]}
          value={panel.tab}
          onChange={(tab) => {
            if (isChanged) execute(draft)
            set({ tab })
          }}
        />
        {panel.tab === "graph" ? (
          <GraphControls panel={panel} set={set} />
        ) : (
          <TimeInput label="Evaluation time, UTC" value={panel.end} by={panel.range / 2} onChange={(end) => set({ end })} />
        )}
        {panel.tab !== "explain" && (
          <Select
            size="xs"
            w={172}
            aria-label="Unit"
            data={UNITS.map((value) => ({ value, label: UNIT_NAMES[value] }))}
            value={panel.unit}
            onChange={(value) => set({ unit: UNITS.find((unit) => unit === value) ?? "none" })}
            allowDeselect={false}
          />
        )}
        <Tooltip label="Ask again">
          <ActionIcon
            variant="default"
            size="md"
            className="panel-refresh"
            aria-label={`Refresh query ${number}`}
            disabled={panel.expr.trim() === ""}
            onClick={() => setRuns((count) => count + 1)}
          >
            <span aria-hidden="true">↻</span>
          </ActionIcon>
        </Tooltip>
      </div>
      {panel.expr.trim() === "" ? (
        <p className="panel-hint faint">
          Enter executes, Shift+Enter starts a line, Ctrl+Space completes, ↑ in an empty field brings back earlier queries.
        </p>
      ) : (
        <QueryResult panel={panel} runs={runs} set={set} isChanged={isChanged} goTo={(offset) => editor.current?.goTo(offset)} />
      )}
    </section>
  )
}
