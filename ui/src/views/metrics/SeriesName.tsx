import { Fragment } from "react"
import { labelName, labelsOf, type Metric } from "@/lib/series"

/** `name{a="b"}` with what is punctuation in the background. */
export function SeriesName({ metric }: { metric: Metric }) {
  const labels = labelsOf(metric)
  const name = metric["__name__"] ?? ""
  return (
    <span className="series-name mono">
      {name}
      {(labels.length > 0 || name === "") && <i>{"{"}</i>}
      {labels.map(([label, value], index) => (
        <Fragment key={label}>
          {index > 0 && <i>, </i>}
          <b>{labelName(label)}</b>
          <i>=</i>
          <q>{JSON.stringify(value)}</q>
        </Fragment>
      ))}
      {(labels.length > 0 || name === "") && <i>{"}"}</i>}
    </span>
  )
}
