import { useEffect } from "react"
import { prometheus } from "@/api/http"
import { examples, type Example } from "@/lib/examples"
import { useAnswer } from "@/views/metrics/useAnswer"

const AGAIN_MILLISECONDS = 3000

/** Queries to begin with, of what is measured here; and what to expect before anything is. */
export function FirstQueries({ onChoose, onExplore }: { onChoose: (example: Example) => void; onExplore: () => void }) {
  const { value: names, error, again } = useAnswer("names", (signal) => prometheus<readonly string[]>("label/__name__/values", {}, signal))
  const isWaiting = error !== null || names?.length === 0
  useEffect(() => {
    if (!isWaiting) return undefined
    const timer = setInterval(again, AGAIN_MILLISECONDS)
    return () => clearInterval(timer)
  }, [isWaiting, again])

  if (isWaiting) {
    return (
      <p className="faint first-queries-none" role="status">
        {error === null
          ? "Nothing was scraped yet. The first metrics come within a scrape interval; this looks again by itself."
          : `Prometheus does not answer yet: ${error.problem}. This looks again by itself.`}
      </p>
    )
  }
  if (names === null) return null
  return (
    <section className="first-queries" aria-labelledby="first-queries">
      <h2 id="first-queries">Begin with one of these</h2>
      <ul>
        {examples(names).map((example) => (
          <li key={example.expr}>
            <button type="button" className="card" onClick={() => onChoose(example)}>
              <strong>{example.question}</strong>
              <code>{example.expr}</code>
            </button>
          </li>
        ))}
      </ul>
      <p className="faint">
        Or{" "}
        <button type="button" className="text-button" onClick={onExplore}>
          explore all {names.length} metrics
        </button>{" "}
        that there are.
      </p>
    </section>
  )
}
