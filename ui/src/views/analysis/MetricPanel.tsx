import { Button, CopyButton, Skeleton } from "@mantine/core"
import { lazy, Suspense, useMemo } from "react"
import { Link } from "wouter"
import type { MetricResult } from "@/api/types"
import { Coded } from "@/components/Coded"
import { Phase } from "@/components/Phase"
import { drawable, linkTime, metricsHref, noChart, tally, tokens } from "@/lib/values"
import { Measurements } from "@/views/analysis/Measurements"
import { Requirements } from "@/views/analysis/Requirements"

const MeasurementChart = lazy(() => import("@/views/analysis/MeasurementChart"))
const CHART_HEIGHT = 240

/** One metric: its verdict, what was asked, the condition and what it saw, and every measurement. */
export function MetricPanel({ metric }: { metric: MetricResult }) {
  const drawn = useMemo(() => drawable(metric.measurements), [metric.measurements])
  const problem = noChart(metric)
  return (
    <section className="card panel metric" aria-labelledby="metric">
      <div className="metric-head">
        <h2 id="metric">{metric.name}</h2>
        <Phase phase={metric.phase} label={metric.phase === "" ? "Not measured" : undefined} />
        {metric.isDryRun && (
          <span className="tag" title="It is measured and judged, but does not decide about the run.">
            dry run
          </span>
        )}
        <span className="faint">
          {metric.provider === "" ? "no provider" : metric.provider}
          {metric.interval !== "" && `, every ${metric.interval}`}
          {metric.count !== null && `, ${metric.count} ${metric.count === 1 ? "measurement" : "measurements"} wanted`}
        </span>
      </div>
      {metric.queryProblem !== "" && (
        <p className="metric-problem">
          <span aria-hidden="true">⚠</span> <span>{metric.queryProblem}</span>
        </p>
      )}
      {metric.message !== "" && !isSaidBelow(metric) && <p className="metric-message">{metric.message}</p>}

      <div className="metric-columns">
        <div className="metric-column">
          <Conditions metric={metric} />
          <Asked metric={metric} />
        </div>
        <div className="metric-column">
          <h3>Requirements</h3>
          <Requirements requirements={metric.requirements} phase={metric.phase} />
        </div>
      </div>

      <h3>Measured</h3>
      {problem === "" ? (
        <Suspense fallback={<Skeleton height={CHART_HEIGHT} />}>
          <MeasurementChart drawn={drawn} thresholds={metric.thresholds} />
        </Suspense>
      ) : (
        <p className="no-chart faint">{problem}</p>
      )}
      {metric.measurements.length > 0 && (
        <>
          <p className="faint metric-tally">{tally(metric)}</p>
          <Measurements measurements={metric.measurements} />
        </>
      )}
    </section>
  )
}

/** Whether the message is the one of a measurement, and what is wrong with the query is said already. */
function isSaidBelow(metric: MetricResult): boolean {
  return metric.queryProblem !== "" && metric.measurements.some((one) => one.message === metric.message)
}

function Conditions({ metric }: { metric: MetricResult }) {
  const { successCondition, failureCondition, saw, told } = metric
  return (
    <>
      <h3>Condition</h3>
      {successCondition === "" && failureCondition === "" && (
        <p className="faint">None is given: any measurement without an error succeeds.</p>
      )}
      <dl className="conditions">
        {successCondition !== "" && (
          <div>
            <dt>succeeds if</dt>
            <dd>
              <code>{successCondition}</code>
            </dd>
          </div>
        )}
        {failureCondition !== "" && (
          <div>
            <dt>fails if</dt>
            <dd>
              <code>{failureCondition}</code>
            </dd>
          </div>
        )}
        <div>
          <dt>saw</dt>
          <dd>{saw === "" ? <span className="faint">{metric.phase === "" || metric.phase === "Running" || metric.phase === "Pending" ? "nothing yet that could be judged" : "nothing that could be judged"}</span> : <code>{saw}</code>}</dd>
        </div>
      </dl>
      {told !== "" && (
        <p>
          <Coded text={told} />
        </p>
      )}
    </>
  )
}

function Asked({ metric }: { metric: MetricResult }) {
  const href = metricsHref(metric)
  const at = linkTime(metric)
  if (metric.query === "" && metric.address === "") return null
  return (
    <>
      <div className="asked-head">
        <h3>Query</h3>
        {metric.query !== "" && (
          <CopyButton value={metric.query}>
            {({ copied, copy }) => (
              <Button size="compact-sm" variant="default" onClick={copy}>
                {copied ? "Copied" : "Copy"}
              </Button>
            )}
          </CopyButton>
        )}
        {href !== "" && (
          <Link href={href} className="asked-link" title={at === "" ? "As it is now" : `As it was at ${at}`}>
            Open in Metrics
          </Link>
        )}
      </div>
      {metric.query !== "" && (
        <pre className="query" tabIndex={0} aria-label="Query, with its arguments filled in">
          {metric.provider === "prometheus"
            ? tokens(metric.query.trimEnd()).map((token, index) => (
                <span key={index} className={`q-${token.kind}`}>
                  {token.text}
                </span>
              ))
            : metric.query}
        </pre>
      )}
      {metric.address !== "" && (
        <p className="asked-address">
          <span className="faint">asked of </span>
          <code>{metric.address}</code>
        </p>
      )}
    </>
  )
}
