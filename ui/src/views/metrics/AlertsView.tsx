import { prometheus } from "@/api/http"
import { Ago } from "@/components/Ago"
import { Phase } from "@/components/Phase"
import { Empty } from "@/components/States"
import type { Metric } from "@/lib/series"
import { Labels, Page } from "@/views/metrics/Page"
import { useAnswer } from "@/views/metrics/useAnswer"

interface Alerts {
  readonly alerts:
    | readonly {
        readonly labels: Metric
        readonly annotations: Metric
        readonly state: string
        readonly activeAt?: string
        readonly value: string
      }[]
    | null
}

/** Alerts that are pending or firing. */
export default function AlertsView() {
  const answer = useAnswer("alerts", (signal) => prometheus<Alerts>("alerts", {}, signal))
  return (
    <Page title="Alerts" answer={answer}>
      {({ alerts }) =>
        (alerts ?? []).length === 0 ? (
          <Empty title="There are no alerts">
            <p>canarium has no rules engine yet, so nothing raises alerts. An analysis of a Rollout judges metrics: see Rollouts.</p>
          </Empty>
        ) : (
          <section className="card pool">
            <div className="result-scroll" tabIndex={0} role="region" aria-label="Alerts">
              <table className="result rows">
                <thead>
                  <tr>
                    <th scope="col">Alert</th>
                    <th scope="col">State</th>
                    <th scope="col">Since</th>
                    <th scope="col">Value</th>
                  </tr>
                </thead>
                <tbody>
                  {(alerts ?? []).map((alert, index) => (
                    <tr key={index}>
                      <td>
                        <Labels labels={alert.labels} />
                        {Object.entries(alert.annotations).map(([name, text]) => (
                          <p key={name}>
                            <span className="faint">{name}:</span> {text}
                          </p>
                        ))}
                      </td>
                      <td>
                        <Phase phase={alert.state === "firing" ? "down" : "unknown"} label={alert.state} />
                      </td>
                      <td className="nowrap">
                        <Ago at={alert.activeAt ?? ""} />
                      </td>
                      <td className="mono">{alert.value}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </section>
        )
      }
    </Page>
  )
}
