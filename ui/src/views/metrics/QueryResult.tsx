import { Button } from "@mantine/core"
import { lazy, Suspense } from "react"
import { prometheusAnswer, queryTree, type ApiError } from "@/api/http"
import { serverNow } from "@/api/live"
import { Loading } from "@/components/States"
import { culprits } from "@/lib/querytree"
import { formatDuration, stepOf, type Panel } from "@/lib/queryurl"
import type { Matrix, QueryResult as Answered } from "@/lib/series"
import { counted } from "@/lib/units"
import { Coded } from "@/views/metrics/Coded"
import { QueryProblem, Told } from "@/views/metrics/QueryProblem"
import { QueryTree } from "@/views/metrics/QueryTree"
import { ResultTable } from "@/views/metrics/ResultTable"
import { useAnswer } from "@/views/metrics/useAnswer"

const ResultGraph = lazy(() => import("@/views/metrics/ResultGraph"))

interface ResultProps {
  panel: Panel
  runs: number
  set: (changes: Partial<Panel>) => void
  isChanged: boolean
  /** Puts the cursor there in the expression. */
  goTo: (offset: number) => void
}

/** What a query is worth: as a table, a graph, or part by part. */
export function QueryResult(props: ResultProps) {
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

function TableResult(props: ResultProps) {
  const { panel, runs, isChanged } = props
  const parameters = { query: panel.expr, ...(panel.end === null ? {} : { time: String(panel.end / 1000) }) }
  const answer = useAnswer(`${panel.expr}\n${panel.end}\n${runs}`, (signal) =>
    prometheusAnswer<Answered>("query", parameters, signal),
  )
  if (answer.error !== null) return <Failed error={answer.error} {...props} />
  if (answer.value === null) return <Loading lines={3} height={28} />
  const data = answer.value.data
  const size = data.resultType === "vector" || data.resultType === "matrix" ? data.result.length : 1
  const text = data.resultType === "vector" || data.resultType === "matrix" ? counted(size, "series", "series") : `a ${data.resultType}`
  return (
    <>
      <Line isBusy={answer.isBusy} took={answer.took} text={text} isChanged={isChanged} />
      <Told warnings={answer.value.warnings} infos={answer.value.infos} />
      {size === 0 ? <NothingMatches {...props} /> : <ResultTable result={data} unit={panel.unit} />}
    </>
  )
}

/** An error, in the words of the tree's server where those say more. */
function Failed({ error, panel, runs, set, goTo }: { error: ApiError } & ResultProps) {
  const asked = error.status === 400 ? treeKey(panel, runs) : ""
  const why = useAnswer(asked, (signal) => queryTree(panel.expr, timeOf(panel), signal))
  return (
    <QueryProblem
      problem={error.problem}
      status={error.status}
      nextStep={error.nextStep || why.error?.nextStep}
      expr={panel.expr}
      goTo={goTo}
      onTree={panel.tab !== "explain" && (error.status === 422 || why.value !== null) ? () => set({ tab: "explain" }) : undefined}
    />
  )
}

/** Nothing, and which part of the query is to blame for it. */
function NothingMatches({ panel, runs, set }: ResultProps) {
  const why = useAnswer(treeKey(panel, runs), (signal) => queryTree(panel.expr, timeOf(panel), signal))
  const found = why.value === null ? [] : culprits(why.value)
  return (
    <div className="nothing">
      <div>
        <strong>Empty: the query is right, and nothing matches.</strong>
        {found.map((node, index) => (
          <p key={index}>
            <code>{node.text}</code>: <Coded text={node.note || node.problem || "it is empty"} />
          </p>
        ))}
      </div>
      <Button size="xs" variant="default" onClick={() => set({ tab: "explain" })}>
        Show it in the tree
      </Button>
    </div>
  )
}

function timeOf(panel: Panel): string {
  return panel.end === null ? "" : String(panel.end / 1000)
}

function treeKey(panel: Panel, runs: number): string {
  return `${panel.expr}\n${timeOf(panel)}\n${runs}`
}

interface Window {
  readonly start: number
  readonly end: number
  readonly step: number
}

function GraphResult(props: ResultProps) {
  const { panel, runs, set, isChanged } = props
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
  if (answer.error !== null) return <Failed error={answer.error} {...props} />
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
        <NothingMatches {...props} />
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

function TreeResult(props: ResultProps) {
  const { panel, runs, isChanged } = props
  const answer = useAnswer(treeKey(panel, runs), (signal) => queryTree(panel.expr, timeOf(panel), signal))
  if (answer.error !== null) return <Failed error={answer.error} {...props} />
  if (answer.value === null) return <Loading lines={4} height={34} />
  return (
    <>
      <Line isBusy={answer.isBusy} took={answer.took} text="Every part, evaluated" isChanged={isChanged} />
      <QueryTree node={answer.value} />
    </>
  )
}
