import { useMemo, useState } from "react"
import type { QueryNode } from "@/api/types"
import { culprits, isEmpty, kindWords } from "@/lib/querytree"
import { counted } from "@/lib/units"
import { Coded } from "@/views/metrics/Coded"

/** The parts of an expression and what each is worth: where a query becomes empty, or fails, is seen at once. */
export function QueryTree({ node }: { node: QueryNode }) {
  const blamed = useMemo(() => new Set(culprits(node)), [node])
  return (
    <ul className="qtree">
      <Part node={node} blamed={blamed} />
    </ul>
  )
}

function Part({ node, blamed }: { node: QueryNode; blamed: ReadonlySet<QueryNode> }) {
  const [isOpen, setOpen] = useState(true)
  const [isDetailed, setDetailed] = useState(false)
  const labels = Object.entries(node.labels).sort((a, b) => b[1] - a[1])
  const hasMore = node.series.length > 0 || labels.length > 0
  const isSingle = node.valueType === "scalar" || node.valueType === "string"
  const isNothing = isEmpty(node)
  const isBlamed = blamed.has(node)
  // One result is told at once; more are told when they are asked for.
  const only = node.count === 1 && !isSingle ? (node.series[0]?.[1] ?? "") : ""
  return (
    <li>
      <div className="qpart" data-tone={!isBlamed ? undefined : node.problem !== "" ? "bad" : "hold"}>
        <div className="qpart-line">
          {node.children.length > 0 ? (
            <button
              type="button"
              className="qtoggle"
              aria-expanded={isOpen}
              aria-label={`Parts of ${node.text.slice(0, 80)}`}
              onClick={() => setOpen(!isOpen)}
            >
              <span aria-hidden="true">{isOpen ? "▾" : "▸"}</span>
            </button>
          ) : (
            <span className="qtoggle" aria-hidden="true">
              ·
            </span>
          )}
          <code className="qtext">{node.text}</code>
          {node.kind !== "" && <span className="qkind faint">{kindWords(node.kind)}</span>}
          <span className="qworth">
            {node.problem !== "" ? (
              <span className="bad">✖ fails</span>
            ) : isNothing ? (
              <span className="hold">◇ empty</span>
            ) : isSingle ? (
              <strong className="mono">{node.value}</strong>
            ) : hasMore ? (
              <button type="button" className="qcount" aria-expanded={isDetailed} onClick={() => setDetailed(!isDetailed)}>
                {counted(node.count, "result", "results")} <span aria-hidden="true">{isDetailed ? "▴" : "▾"}</span>
              </button>
            ) : (
              counted(node.count, "result", "results")
            )}
            {only !== "" && <strong className="mono">{only}</strong>}
            {node.value !== "" && node.count > 0 && !isSingle && <span className="faint qtime">{node.value}</span>}
            {node.milliseconds > 0 && <span className="faint qtime">{node.milliseconds < 1 ? "<1" : Math.round(node.milliseconds)} ms</span>}
          </span>
        </div>
        {node.problem !== "" && <p className="qnote bad"><Coded text={node.problem} /></p>}
        {node.note !== "" && <p className={isBlamed ? "qnote" : "qnote faint"}><Coded text={node.note} /></p>}
        {isDetailed && (
          <div className="qdetail">
            {labels.length > 0 && (
              <div className="qlabels">
                {labels.map(([name, size]) => (
                  <span key={name} className="tag">
                    {name}: {counted(size, "value", "values")}
                  </span>
                ))}
              </div>
            )}
            <table className="result">
              <thead className="visually-hidden">
                <tr>
                  <th scope="col">Series</th>
                  <th scope="col">Value</th>
                </tr>
              </thead>
              <tbody>
                {node.series.map(([name, value]) => (
                  <tr key={name}>
                    <td className="mono">{name}</td>
                    <td className="mono">{value}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            {node.count > node.series.length && (
              <p className="faint">
                {node.series.length} of {counted(node.count, "result", "results")}
              </p>
            )}
          </div>
        )}
      </div>
      {isOpen && node.children.length > 0 && (
        <ul>
          {node.children.map((child, index) => (
            <Part key={`${child.start}-${child.end}-${index}`} node={child} blamed={blamed} />
          ))}
        </ul>
      )}
    </li>
  )
}
