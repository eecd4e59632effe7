import { Button } from "@mantine/core"

/** What was wrong with a query, in Prometheus' own words. onWhy: leads to what tells more. */
export function QueryProblem({
  problem,
  status = 400,
  nextStep = "",
  onWhy,
}: {
  problem: string
  status?: number
  nextStep?: string
  onWhy?: () => void
}) {
  return (
    <div className="query-problem" role="alert">
      <strong>
        <span aria-hidden="true">✖ </span>
        {titleOf(status)}
      </strong>
      <code>{problem}</code>
      {nextStep !== "" && <span>{nextStep}</span>}
      {onWhy !== undefined && status === 400 && (
        <Button size="xs" variant="default" style={{ justifySelf: "start" }} onClick={onWhy}>
          Why?
        </Button>
      )}
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
