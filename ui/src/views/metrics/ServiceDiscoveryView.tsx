import { Button } from "@mantine/core"
import { useState } from "react"
import { Empty } from "@/components/States"
import { useQuery } from "@/lib/search"
import type { Metric } from "@/lib/series"
import { counted } from "@/lib/units"
import { Choice, contains, grouped, Labels, Page, Search } from "@/views/metrics/Page"
import { targets } from "@/views/metrics/targets"
import { useAnswer } from "@/views/metrics/useAnswer"

const FIRST = 50

interface Found {
  readonly pool: string
  readonly before: Metric
  /** null: relabelling dropped it. */
  readonly after: Metric | null
}

/** What was found, what of it is scraped, and what relabelling did to its labels. */
export default function ServiceDiscoveryView() {
  const answer = useAnswer("discovery", targets("any"))
  const [query, change] = useQuery()
  const typed = query.get("search") ?? ""
  const state = query.get("state") ?? ""
  return (
    <Page
      title="Service discovery"
      answer={answer}
      controls={
        <>
          <Choice
            label="State"
            value={state}
            options={[
              ["all", "All"],
              ["active", "Active"],
              ["dropped", "Dropped"],
            ]}
            onChange={(value) => change({ state: value })}
          />
          <Search label="Label" value={typed} onChange={(search) => change({ search })} />
        </>
      }
    >
      {({ activeTargets, droppedTargets }) => {
        const found: readonly Found[] = [
          ...(activeTargets ?? []).map((target) => ({ pool: target.scrapePool, before: target.discoveredLabels ?? {}, after: target.labels })),
          ...(droppedTargets ?? []).map((target) => ({
            pool: target.scrapePool ?? target.discoveredLabels["job"] ?? "",
            before: target.discoveredLabels,
            after: null,
          })),
        ]
        if (found.length === 0) {
          return (
            <Empty title="Nothing was found">
              <p>Pods, Services and endpoints of the cluster are looked at; there are none yet.</p>
            </Empty>
          )
        }
        const fitting = found.filter(
          (each) =>
            (state === "" || (state === "dropped") === (each.after === null)) && (contains(typed, each.before) || contains(typed, each.after ?? {})),
        )
        if (fitting.length === 0) return <Empty title="Nothing that was found is like that" />
        return grouped(fitting, (each) => each.pool).map(([pool, members]) => <Pool key={pool} pool={pool} members={members} />)
      }}
    </Page>
  )
}

function Pool({ pool, members }: { pool: string; members: readonly Found[] }) {
  const [isAll, setAll] = useState(false)
  const active = members.filter((each) => each.after !== null).length
  const listed = isAll ? members : members.slice(0, FIRST)
  return (
    <section className="card pool">
      <h2>
        <span className="mono">{pool}</span>
        <span className="faint pool-count">
          {active} active, {members.length - active} dropped
        </span>
      </h2>
      <div className="result-scroll" tabIndex={0} role="region" aria-label={`Found for ${pool}`}>
        <table className="result rows halves">
          <thead>
            <tr>
              <th scope="col">Discovered labels</th>
              <th scope="col">Labels of the target</th>
            </tr>
          </thead>
          <tbody>
            {listed.map((each, index) => (
              <tr key={index}>
                <td>
                  <Before labels={each.before} isOpen={members.length === 1} />
                </td>
                <td>{each.after === null ? <span className="tag">dropped by relabelling</span> : <Labels labels={each.after} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {listed.length < members.length && (
        <div className="more-rows">
          <span>{counted(members.length - listed.length, "more", "more")}.</span>
          <Button size="xs" variant="default" onClick={() => setAll(true)}>
            Show all
          </Button>
        </div>
      )}
    </section>
  )
}

/** Many labels are found; the address tells most. */
function Before({ labels, isOpen }: { labels: Metric; isOpen: boolean }) {
  const size = Object.keys(labels).length
  if (size === 0) return <span className="faint">not told</span>
  const name = labels["__meta_kubernetes_pod_name"] ?? labels["__meta_kubernetes_endpoint_address_target_name"] ?? ""
  return (
    <details open={isOpen}>
      <summary>
        <span className="mono">{labels["__address__"] ?? ""}</span> {name} <span className="faint">{counted(size, "label", "labels")}</span>
      </summary>
      <Labels labels={labels} />
    </details>
  )
}
