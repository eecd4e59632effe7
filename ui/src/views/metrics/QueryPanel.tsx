import { ActionIcon, Button, CopyButton, Menu, SegmentedControl, Select, Tooltip } from "@mantine/core"
import { lazy, Suspense, useEffect, useImperativeHandle, useRef, useState, type Ref } from "react"
import { asApiError, prometheus, prometheusAnswer, queryTree } from "@/api/http"
import { serverNow } from "@/api/live"
import { Loading } from "@/components/States"
import {
  formatDuration,
  nextRange,
  parseDuration,
  stepOf,
  UNITS,
  type Density,
  type Panel,
  type QueryTab,
  type Unit,
} from "@/lib/queryurl"
import type { Matrix, QueryResult } from "@/lib/series"
import { counted } from "@/lib/units"
import { forgetHistory, history, remember } from "@/views/metrics/history"
import { QueryProblem, Told } from "@/views/metrics/QueryProblem"
import { QueryTree } from "@/views/metrics/QueryTree"
import { ResultTable } from "@/views/metrics/ResultTable"
import { TimeInput } from "@/views/metrics/TimeInput"
import { useAnswer } from "@/views/metrics/useAnswer"
import type { EditorHandle } from "@/views/metrics/ExpressionEditor"

const ExpressionEditor = lazy(() => import("@/views/metrics/ExpressionEditor"))
const ResultGraph = lazy(() => import("@/views/metrics/ResultGraph"))

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
    <section className="card panel" aria-label={`Query ${number}`} onFocus={onFocus}>
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
      {formatProblem !== "" && <QueryProblem problem={formatProblem} />}
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
        <Result panel={panel} runs={runs} set={set} isChanged={isChanged} />
      )}
    </section>
  )
}

function PanelMenu({
  draft,
  isOnly,
  onFormat,
  onChoose,
  onRemove,
}: {
  draft: string
  isOnly: boolean
  onFormat: () => void
  onChoose: (text: string) => void
  onRemove: () => void
}) {
  const [earlier, setEarlier] = useState<readonly string[]>([])
  return (
    <Menu position="bottom-end" width={420} onOpen={() => setEarlier(history())} withinPortal={false} withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <ActionIcon variant="default" size={36} aria-label="More: format, history, remove">
          <span aria-hidden="true">⋮</span>
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown className="panel-menu">
        <Menu.Item disabled={draft.trim() === ""} onClick={onFormat}>
          Format the expression
        </Menu.Item>
        <CopyButton value={draft}>{({ copy }) => <Menu.Item onClick={copy}>Copy the expression</Menu.Item>}</CopyButton>
        {!isOnly && <Menu.Item onClick={onRemove}>Remove this query</Menu.Item>}
        {earlier.length > 0 && (
          <>
            <Menu.Divider />
            <Menu.Label className="menu-label">Earlier queries</Menu.Label>
            {earlier.map((text) => (
              <Menu.Item key={text} className="mono history-item" onClick={() => onChoose(text)}>
                {text}
              </Menu.Item>
            ))}
            <Menu.Divider />
            <Menu.Item onClick={forgetHistory}>Forget them</Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}

function GraphControls({ panel, set }: { panel: Panel; set: (changes: Partial<Panel>) => void }) {
  const [range, setRange] = useState(formatDuration(panel.range))
  const [step, setStep] = useState(panel.resolution.type === "auto" ? "" : formatDuration(panel.resolution.step))
  useEffect(() => setRange(formatDuration(panel.range)), [panel.range])
  const takeRange = () => {
    const parsed = parseDuration(range)
    if (parsed === null) setRange(formatDuration(panel.range))
    else if (parsed !== panel.range) set({ range: parsed })
  }
  const takeStep = () => {
    const parsed = parseDuration(step)
    if (parsed === null) setStep(panel.resolution.type === "auto" ? "" : formatDuration(panel.resolution.step))
    else set({ resolution: { type: "custom", step: parsed } })
  }
  return (
    <>
      <span className="stepper" role="group" aria-label="Range">
        <button type="button" aria-label="Shorter range" onClick={() => set({ range: nextRange(panel.range, -1) })}>
          −
        </button>
        <input
          aria-label="Range"
          value={range}
          size={5}
          onChange={(event) => setRange(event.currentTarget.value)}
          onBlur={takeRange}
          onKeyDown={(event) => event.key === "Enter" && takeRange()}
        />
        <button type="button" aria-label="Longer range" onClick={() => set({ range: nextRange(panel.range, 1) })}>
          +
        </button>
      </span>
      <TimeInput label="End time, UTC" value={panel.end} by={panel.range / 2} onChange={(end) => set({ end })} />
      <Select
        size="xs"
        w={164}
        aria-label="Resolution"
        data={[
          { value: "low", label: "Low resolution" },
          { value: "medium", label: "Medium resolution" },
          { value: "high", label: "High resolution" },
          { value: "custom", label: "Own step" },
        ]}
        value={panel.resolution.type === "auto" ? panel.resolution.density : "custom"}
        onChange={(value) => {
          if (value === "custom") {
            const current = stepOf(panel)
            setStep(formatDuration(current))
            set({ resolution: { type: "custom", step: current } })
          } else if (value !== null) set({ resolution: { type: "auto", density: value as Density } })
        }}
        allowDeselect={false}
      />
      {panel.resolution.type !== "auto" && (
        <span className="stepper">
          <input
            aria-label="Step"
            value={step}
            size={5}
            placeholder="15s"
            onChange={(event) => setStep(event.currentTarget.value)}
            onBlur={takeStep}
            onKeyDown={(event) => event.key === "Enter" && takeStep()}
          />
        </span>
      )}
      <SegmentedControl
        size="xs"
        aria-label="Drawn as"
        data={[
          { value: "lines", label: "Lines" },
          { value: "stacked", label: "Stacked" },
        ]}
        value={panel.display}
        onChange={(display) => set({ display })}
      />
    </>
  )
}

interface ResultProps {
  panel: Panel
  runs: number
  set: (changes: Partial<Panel>) => void
  isChanged: boolean
}

function Result(props: ResultProps) {
  switch (props.panel.tab) {
    case "table":
      return <TableResult {...props} />
    case "graph":
      return <GraphResult {...props} />
    case "explain":
      return <TreeResult {...props} />
  }
}

function Line({ isBusy, took, text, isChanged }: { isBusy: boolean; took: number; text: string; isChanged: boolean }) {
  return (
    <p className="result-line faint" role="status" aria-busy={isBusy}>
      {isBusy ? "Evaluating…" : `${text}${took > 0 ? ` in ${Math.max(1, Math.round(took))} ms` : ""}`}
      {isChanged && !isBusy && " · the expression was changed since; Enter executes it"}
    </p>
  )
}

function TableResult({ panel, runs, set, isChanged }: ResultProps) {
  const parameters = { query: panel.expr, ...(panel.end === null ? {} : { time: String(panel.end / 1000) }) }
  const answer = useAnswer(`${panel.expr}\n${panel.end}\n${runs}`, (signal) =>
    prometheusAnswer<QueryResult>("query", parameters, signal),
  )
  if (answer.error !== null) {
    const { problem, status, nextStep } = answer.error
    return <QueryProblem problem={problem} status={status} nextStep={nextStep} onWhy={() => set({ tab: "explain" })} />
  }
  if (answer.value === null) return <Loading lines={3} height={28} />
  const data = answer.value.data
  const size = data.resultType === "vector" || data.resultType === "matrix" ? data.result.length : 1
  const text = data.resultType === "vector" || data.resultType === "matrix" ? counted(size, "series", "series") : `a ${data.resultType}`
  return (
    <>
      <Line isBusy={answer.isBusy} took={answer.took} text={text} isChanged={isChanged} />
      <Told warnings={answer.value.warnings} infos={answer.value.infos} />
      {size === 0 ? <NothingMatches onWhy={() => set({ tab: "explain" })} /> : <ResultTable result={data} unit={panel.unit} />}
    </>
  )
}

function NothingMatches({ onWhy }: { onWhy: () => void }) {
  return (
    <div className="nothing">
      <strong>Empty: the query is right, and nothing matches.</strong>
      <Button size="xs" variant="default" onClick={onWhy}>
        Why?
      </Button>
    </div>
  )
}

interface Window {
  readonly start: number
  readonly end: number
  readonly step: number
}

function GraphResult({ panel, runs, set, isChanged }: ResultProps) {
  const step = stepOf(panel)
  const key = `${panel.expr}\n${panel.end}\n${panel.range}\n${step}\n${runs}`
  const answer = useAnswer(key, async (signal) => {
    const end = panel.end ?? serverNow()
    const over: Window = { start: end - panel.range, end, step }
    const parameters = {
      query: panel.expr,
      start: String(over.start / 1000),
      end: String(over.end / 1000),
      step: String(step / 1000),
    }
    return { over, answer: await prometheusAnswer<Matrix>("query_range", parameters, signal) }
  })
  if (answer.error !== null) {
    const { problem, status, nextStep } = answer.error
    return <QueryProblem problem={problem} status={status} nextStep={nextStep} onWhy={() => set({ tab: "explain" })} />
  }
  if (answer.value === null) return <Loading lines={1} height={380} />
  const { over, answer: told } = answer.value
  const size = told.data.result.length
  return (
    <>
      <Line
        isBusy={answer.isBusy}
        took={answer.took}
        text={`${counted(size, "series", "series")}, a point each ${formatDuration(step)}`}
        isChanged={isChanged}
      />
      <Told warnings={told.warnings} infos={told.infos} />
      {size === 0 ? (
        <NothingMatches onWhy={() => set({ tab: "explain" })} />
      ) : (
        <Suspense fallback={<Loading lines={1} height={380} />}>
          <ResultGraph
            matrix={told.data}
            start={over.start}
            end={over.end}
            step={over.step}
            unit={panel.unit}
            display={panel.display}
            onZoom={(start, end) => set({ range: Math.max(1000, Math.round((end - start) / 1000) * 1000), end: Math.round(end / 1000) * 1000 })}
          />
        </Suspense>
      )}
    </>
  )
}

function TreeResult({ panel, runs, isChanged }: ResultProps) {
  const time = panel.end === null ? "" : String(panel.end / 1000)
  const answer = useAnswer(`${panel.expr}\n${time}\n${runs}`, (signal) => queryTree(panel.expr, time, signal))
  if (answer.error !== null) return <QueryProblem problem={answer.error.problem} status={answer.error.status} nextStep={answer.error.nextStep} />
  if (answer.value === null) return <Loading lines={4} height={34} />
  return (
    <>
      <Line isBusy={answer.isBusy} took={answer.took} text="Every part with what it is worth" isChanged={isChanged} />
      <QueryTree node={answer.value} />
    </>
  )
}
