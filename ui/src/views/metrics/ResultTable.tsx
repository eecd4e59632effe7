import { Button } from "@mantine/core"
import { useMemo, useState } from "react"
import type { Unit } from "@/lib/queryurl"
import { ordered, seriesName, type Matrix, type Metric, type Order, type QueryResult, type Sample, type Vector } from "@/lib/series"
import { count, formatValue, numberOf } from "@/lib/units"
import { SeriesName } from "@/views/metrics/SeriesName"

const FIRST = 1000
const RICH = 2000 // above it names are plain text: fewer elements
const SAMPLES = 100

interface Row {
  readonly metric: Metric
  /** What is shown: a value, or samples with their times. */
  readonly value: string
  readonly samples: readonly Sample[]
}

/** The answer to an instant query. The first thousand series, more on demand. */
export function ResultTable({ result, unit }: { result: QueryResult; unit: Unit }) {
  if (result.resultType === "vector" || result.resultType === "matrix") {
    return <Rows rows={rowsOf(result)} unit={unit} isMatrix={result.resultType === "matrix"} />
  }
  return (
    <div className="single">
      <span className="faint">{result.resultType}</span>
      <span className="mono">{result.resultType === "scalar" ? shown(result.result[1], unit) : JSON.stringify(result.result[1])}</span>
    </div>
  )
}

function rowsOf(result: Vector | Matrix): readonly Row[] {
  if (result.resultType === "matrix") {
    return result.result.map(({ metric, values = [], histograms = [] }) => ({
      metric,
      value: values.at(-1)?.[1] ?? (histograms.length > 0 ? "native histogram" : ""),
      samples: values,
    }))
  }
  return result.result.map(({ metric, value, histogram }) => ({
    metric,
    value: value?.[1] ?? (histogram === undefined ? "" : "native histogram"),
    samples: [],
  }))
}

/** As the server wrote it, unless a unit is asked for. */
function shown(text: string, unit: Unit): string {
  if (unit === "none") return text
  const value = numberOf(text)
  return Number.isNaN(value) ? text : formatValue(value, unit)
}

function Rows({ rows, unit, isMatrix }: { rows: readonly Row[]; unit: Unit; isMatrix: boolean }) {
  const [order, setOrder] = useState<Order>("answered")
  const [isAll, setAll] = useState(false)
  const names = useMemo(() => rows.map((row) => seriesName(row.metric)), [rows])
  const indexes = useMemo(
    () =>
      ordered(
        names,
        rows.map((row) => numberOf(row.value)),
        order,
      ),
    [names, rows, order],
  )
  const visible = isAll ? indexes : indexes.slice(0, FIRST)
  return (
    <>
      <div className="result-scroll" tabIndex={0} role="region" aria-label="Result">
        <table className="result">
          <thead>
            <tr>
              <Sorted name="Series" by="name" order={order} setOrder={setOrder} />
              <Sorted name={isMatrix ? "Samples" : "Value"} by="value" order={order} setOrder={setOrder} />
            </tr>
          </thead>
          <tbody>
            {visible.map((index) => {
              const row = rows[index]
              if (row === undefined) return null
              return (
                <tr key={index}>
                  <td>{visible.length > RICH ? names[index] : <SeriesName metric={row.metric} />}</td>
                  <td className="mono">
                    {isMatrix ? <Samples samples={row.samples} unit={unit} /> : <span title={row.value}>{shown(row.value, unit)}</span>}
                  </td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
      {visible.length < rows.length && (
        <div className="more-rows">
          <span>
            The first {count(FIRST)} of {count(rows.length)} series.
          </span>
          <Button size="xs" variant="default" onClick={() => setAll(true)}>
            Show all
          </Button>
        </div>
      )}
    </>
  )
}

function Samples({ samples, unit }: { samples: readonly Sample[]; unit: Unit }) {
  return (
    <>
      {samples.slice(-SAMPLES).map(([at, value]) => (
        <div key={at} className="nowrap">
          {shown(value, unit)} <span className="faint">@ {new Date(at * 1000).toISOString().replace("T", " ").replace(/\.?0*Z$/, "")}</span>
        </div>
      ))}
      {samples.length > SAMPLES && <div className="faint">the last {SAMPLES} of {count(samples.length)} samples</div>}
    </>
  )
}

function Sorted({
  name,
  by,
  order,
  setOrder,
}: {
  name: string
  by: "name" | "value"
  order: Order
  setOrder: (order: Order) => void
}) {
  // Up, down, and back to the order of the answer: topk and sort have one.
  const down: Order = by === "name" ? "name-down" : "value-down"
  const [first, second] = by === "name" ? [by, down] : [down, by]
  const next: Order = order === first ? second : order === second ? "answered" : first
  const sorted = order === by ? "ascending" : order === down ? "descending" : undefined
  return (
    <th scope="col" aria-sort={sorted}>
      <button type="button" onClick={() => setOrder(next)}>
        {name}
        <span aria-hidden="true">{sorted === "ascending" ? " ▲" : sorted === "descending" ? " ▼" : " ⇅"}</span>
      </button>
    </th>
  )
}
