import { useRowProblems } from "@/api/live"

const SHOWN = 3

/** Which rows of a list cannot be shown as they are now, and what to do. Nothing while all can be. */
export function RowProblems({ topic }: { topic: string }) {
  const problems = useRowProblems(topic)
  if (problems.length === 0) return null
  const hidden = problems.length - SHOWN
  return (
    <ul className="row-problems" role="alert">
      {problems.slice(0, SHOWN).map(({ key, problem, nextStep }) => (
        <li key={key}>
          <strong>{key}</strong> {problem.startsWith(key) ? problem.slice(key.length).trim() : `cannot be shown: ${problem}`}. {nextStep}
        </li>
      ))}
      {hidden > 0 && <li>… and {hidden} more.</li>}
    </ul>
  )
}
