import { Link } from "wouter"
import { prometheus } from "@/api/http"
import { Ago } from "@/components/Ago"
import { Phase } from "@/components/Phase"
import { Empty } from "@/components/States"
import { queryHref } from "@/lib/queryurl"
import type { Metric } from "@/lib/series"
import { formatValue } from "@/lib/units"
import { Labels, Page } from "@/views/metrics/Page"
import { useAnswer } from "@/views/metrics/useAnswer"

interface Rule {
  readonly name: string
  readonly query: string
  readonly type: "alerting" | "recording"
  readonly state?: string
  readonly health?: string
  readonly lastError?: string
  readonly labels?: Metric
  readonly lastEvaluation?: string
  readonly evaluationTime?: number
}

interface Rules {
  readonly groups: readonly { readonly name: string; readonly file?: string; readonly rules: readonly Rule[] }[] | null
}

/** Recording and alerting rules. */
export default function RulesView() {
  const answer = useAnswer("rules", (signal) => prometheus<Rules>("rules", {}, signal))
  return (
    <Page title="Rules" answer={answer}>
      {({ groups }) =>
        (groups ?? []).length === 0 ? (
          <Empty title="There are no rules">
            <p>canarium has no rules engine yet: it evaluates queries, not recording or alerting rules.</p>
          </Empty>
        ) : (
          (groups ?? []).map((group) => (
            <section key={`${group.file} ${group.name}`} className="card pool">
              <h2>
                <span className="mono">{group.name}</span>
                <span className="faint pool-count">{group.file}</span>
              </h2>
              <div className="result-scroll" tabIndex={0} role="region" aria-label={`Rules of ${group.name}`}>
                <table className="result rows">
                  <thead>
                    <tr>
                      <th scope="col">Rule</th>
                      <th scope="col">State</th>
                      <th scope="col">Expression</th>
                      <th scope="col">Evaluated</th>
                    </tr>
                  </thead>
                  <tbody>
                    {group.rules.map((rule, index) => (
                      <tr key={index}>
                        <td>
                          <strong>{rule.name}</strong> <span className="tag">{rule.type}</span>
                          <Labels labels={rule.labels ?? {}} />
                        </td>
                        <td>
                          <Phase phase={rule.health === "ok" ? "up" : rule.health === "err" ? "down" : "unknown"} label={rule.state ?? rule.health ?? ""} />
                          {(rule.lastError ?? "") !== "" && <p className="target-error">{rule.lastError}</p>}
                        </td>
                        <td>
                          <Link href={queryHref(rule.query)}>
                            <code>{rule.query}</code>
                          </Link>
                        </td>
                        <td className="nowrap">
                          <Ago at={rule.lastEvaluation ?? ""} />
                          {rule.evaluationTime !== undefined && <span className="faint"> in {formatValue(rule.evaluationTime, "seconds")}</span>}
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </section>
          ))
        )
      }
    </Page>
  )
}
