import { Button } from "@mantine/core"
import { parseMessage, parsePlace, pointed } from "@/lib/parseplace"
import { Coded } from "@/views/metrics/Coded"

/**
 * What was wrong with a query, in Prometheus' own words, and where.
 *
 * expr: what was asked; a place in it is pointed at, and goTo puts the cursor there. onTree: leads to the part that fails.
 */
export function QueryProblem({
  problem,
  status = 400,
  nextStep = "",
  expr = "",
  goTo,
  onTree,
}: {
  problem: string
  status?: number
  nextStep?: string
  expr?: string
  goTo?: (offset: number) => void
  onTree?: () => void
}) {
  const place = parsePlace(problem)
  const there = place === null ? null : pointed(expr, place)
  return (
    <div className="query-problem" role="alert">
      <strong>
        <span aria-hidden="true">✖ </span>
        {place === null ? titleOf(status) : `The query is not right at line ${place.line}, column ${place.column}`}
      </strong>
      <code>{place === null ? problem : parseMessage(problem)}</code>
      {there !== null && (
        <code className="query-place">
          {there.before}
          <mark>{there.at === "" ? " " : there.at}</mark>
          {there.after}
        </code>
      )}
      {nextStep !== "" && !(place !== null && nextStep.startsWith("Correct the query at")) && (
        <span>
          <Coded text={nextStep} />
        </span>
      )}
      <div className="query-problem-buttons">
        {there !== null && goTo !== undefined && (
          <Button size="xs" variant="default" onClick={() => goTo(there.offset)}>
            Go there
          </Button>
        )}
        {onTree !== undefined && (
          <Button size="xs" variant="default" onClick={onTree}>
            Show it in the tree
          </Button>
        )}
      </div>
    </div>
  )
}

function titleOf(status: number): string {
  if (status === 0) return "No answer"
  if (status === 400) return "The query is not right"
  if (status === 422) return "The query cannot be evaluated"
  if (status === 503) return "The query took too long"
  return `The server answered ${status}`
}

/** Warnings and remarks that came with an answer. */
export function Told({ warnings = [], infos = [] }: { warnings?: readonly string[]; infos?: readonly string[] }) {
  if (warnings.length + infos.length === 0) return null
  return (
    <ul className="told">
      {warnings.map((text) => (
        <li key={text} data-tone="hold">
          <span aria-hidden="true">⚠ </span>
          <strong>Warning: </strong>
          {text}
        </li>
      ))}
      {infos.map((text) => (
        <li key={text} data-tone="busy">
          <span aria-hidden="true">ℹ </span>
          <strong>Note: </strong>
          {text}
        </li>
      ))}
    </ul>
  )
}
