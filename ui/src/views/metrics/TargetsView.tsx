import { Ago } from "@/components/Ago"
import { Phase } from "@/components/Phase"
import { Empty } from "@/components/States"
import { useQuery } from "@/lib/search"
import { counted, formatValue } from "@/lib/units"
import { Choice, contains, grouped, Labels, Page, Search } from "@/views/metrics/Page"
import { targets, type Target } from "@/views/metrics/targets"
import { useAnswer } from "@/views/metrics/useAnswer"

/** What is scraped, and how that goes. */
export default function TargetsView() {
  const answer = useAnswer("targets", targets("active"))
  const [query, change] = useQuery()
  const typed = query.get("search") ?? ""
  const health = query.get("health") ?? ""
  const counts = (state: Target["health"]) => {
    const size = answer.value?.activeTargets?.filter((target) => target.health === state).length
    return size === undefined ? "" : ` ${size}`
  }
  return (
    <Page
      title="Targets"
      answer={answer}
      controls={
        <>
          <Choice
            label="Health"
            value={health}
            options={[
              ["all", "All"],
              ["up", `Up${counts("up")}`],
              ["down", `Down${counts("down")}`],
              ["unknown", `Unknown${counts("unknown")}`],
            ]}
            onChange={(value) => change({ health: value })}
          />
          <Search label="Endpoint, label or error" value={typed} onChange={(search) => change({ search })} />
        </>
      }
    >
      {({ activeTargets }) => {
        const all = activeTargets ?? []
        if (all.length === 0) {
          return (
            <Empty title="Nothing is scraped yet">
              <p>
                A pod with the annotation <code>prometheus.io/scrape: "true"</code> becomes a target.
              </p>
            </Empty>
          )
        }
        const fitting = all.filter(
          (target) =>
            (health === "" || target.health === health) && contains(typed, target.labels, target.scrapeUrl, target.lastError, target.scrapePool),
        )
        if (fitting.length === 0) return <Empty title="No target is like that" />
        return grouped(fitting, (target) => target.scrapePool)
          .toSorted(([, a], [, b]) => Number(isWell(a)) - Number(isWell(b)))
          .map(([pool, members]) => <Pool key={pool} pool={pool} members={members} />)
      }}
    </Page>
  )
}

function isWell(members: readonly Target[]): boolean {
  return members.every((target) => target.health === "up")
}

/** Trouble first, in the order of the answer otherwise. */
function troubleFirst(members: readonly Target[]): readonly Target[] {
  return members.toSorted((a, b) => Number(a.health === "up") - Number(b.health === "up"))
}

function Pool({ pool, members }: { pool: string; members: readonly Target[] }) {
  const up = members.filter((target) => target.health === "up").length
  return (
    <section className="card pool">
      <h2>
        <span className="mono">{pool}</span>
        <Phase phase={isWell(members) ? "up" : "down"} label={`${up} of ${members.length} up`} />
      </h2>
      <div className="result-scroll" tabIndex={0} role="region" aria-label={`Targets of ${pool}`}>
        <table className="result rows targets">
          <thead>
            <tr>
              <th scope="col">Endpoint</th>
              <th scope="col">State</th>
              <th scope="col">Labels</th>
              <th scope="col">Last scrape</th>
              <th scope="col">Took</th>
            </tr>
          </thead>
          <tbody>
            {troubleFirst(members).map((target) => (
              <Row key={`${target.scrapeUrl} ${JSON.stringify(target.labels)}`} target={target} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

function Row({ target }: { target: Target }) {
  const isScraped = target.lastScrape !== "" && !target.lastScrape.startsWith("0001-")
  const discovered = target.discoveredLabels ?? {}
  return (
    <tr>
      <td>
        <code>{target.scrapeUrl}</code>
        {target.lastError !== "" && (
          <p className="target-error">
            <span aria-hidden="true">✖ </span>
            {target.lastError}
          </p>
        )}
      </td>
      <td>
        <Phase phase={target.health} />
      </td>
      <td>
        <Labels labels={target.labels} />
        {Object.keys(discovered).length > 0 && (
          <details>
            <summary className="faint">{counted(Object.keys(discovered).length, "label", "labels")} before relabelling</summary>
            <Labels labels={discovered} />
          </details>
        )}
      </td>
      <td className="nowrap" data-name="Last scrape">
        {isScraped ? <Ago at={target.lastScrape} /> : <span className="faint">never</span>}
      </td>
      <td className="nowrap" data-name="Took">
        {isScraped ? formatValue(target.lastScrapeDuration, "seconds") : "–"}
      </td>
    </tr>
  )
}
