import "@/views/analysis/analysis.css"
import { Link } from "wouter"
import { useValue } from "@/api/live"
import type { AnalysisDetail, MetricResult } from "@/api/types"
import { Ago } from "@/components/Ago"
import { Crumbs } from "@/components/Crumbs"
import { Fact } from "@/components/Facts"
import { Phase } from "@/components/Phase"
import { Empty, Shown } from "@/components/States"
import { WhyPanel } from "@/components/WhyPanel"
import { lookOf } from "@/lib/phases"
import { rolloutPath, rolloutsPath } from "@/lib/rollouts"
import { useQuery } from "@/lib/search"
import { useTitle } from "@/lib/title"
import { chosenMetric, tally, tookText } from "@/lib/values"
import { MetricPanel } from "@/views/analysis/MetricPanel"

/** One AnalysisRun of a Rollout: what was asked, what came back, how it was judged. */
export default function AnalysisView({ namespace, name, run }: { namespace: string; name: string; run: string }) {
  const loaded = useValue<AnalysisDetail>(`analysis/${namespace}/${run}`)
  const label = loaded.state === "data" && loaded.value.label !== "" ? loaded.value.label : run
  useTitle(label, name, namespace)
  return (
    <>
      <Crumbs
        items={[
          ["Rollouts", "/rollouts"],
          [namespace, rolloutsPath(namespace)],
          [name, rolloutPath(namespace, name)],
        ]}
        here={label}
      />
      {loaded.state !== "data" && <h1 className="title-alone">{label}</h1>}
      <Shown loaded={loaded} missing={<Missing namespace={namespace} name={name} run={run} />}>
        {(detail) => <Detail detail={detail} label={label} />}
      </Shown>
    </>
  )
}

function Missing({ namespace, name, run }: { namespace: string; name: string; run: string }) {
  return (
    <Empty title="There is no such AnalysisRun">
      <p>
        <span className="mono">
          {namespace}/{run}
        </span>{" "}
        was deleted, or was never there. A Rollout keeps the last few runs of each outcome (<code>spec.analysis</code> says how many).
      </p>
      <Link href={rolloutPath(namespace, name)}>Back to {name}</Link>
    </Empty>
  )
}

function Detail({ detail, label }: { detail: AnalysisDetail; label: string }) {
  const [query, change] = useQuery()
  const chosen = chosenMetric(detail.metrics, query.get("metric") ?? "")
  const metric = detail.metrics.find((one) => one.name === chosen)
  return (
    <>
      <header className="title">
        <div className="title-words">
          <h1>{label}</h1>
          <Phase phase={detail.phase} size="lg" />
          <span className="faint mono">{detail.name}</span>
        </div>
      </header>
      <div className="analysis-top">
        <WhyPanel why={detail.why} />
        <Summary detail={detail} />
      </div>
      {metric === undefined ? (
        <Empty title="This run has no metrics">
          <p>The AnalysisTemplate that it came from measures nothing.</p>
        </Empty>
      ) : (
        <div className="analysis-metrics">
          <MetricList metrics={detail.metrics} chosen={chosen} onChoose={(name) => change({ metric: name })} />
          <MetricPanel key={metric.name} metric={metric} />
        </div>
      )}
    </>
  )
}

function Summary({ detail }: { detail: AnalysisDetail }) {
  const took = detail.completed === "" ? "" : tookText({ started: detail.started, finished: detail.completed })
  return (
    <section className="card panel" aria-labelledby="summary">
      <h2 id="summary">Summary</h2>
      <dl className="facts">
        <Fact name="Started">{detail.started === "" ? "not yet" : <Ago at={detail.started} />}</Fact>
        <Fact name="Completed">
          {detail.completed === "" ? (
            "not yet"
          ) : (
            <>
              <Ago at={detail.completed} />
              {took !== "" && <span className="faint">, took {took}</span>}
            </>
          )}
        </Fact>
        {detail.revision > 0 && <Fact name="Revision">{detail.revision}</Fact>}
        {detail.kind !== "" && <Fact name="Kind">{detail.kind}</Fact>}
      </dl>
      {detail.args.length > 0 && (
        <>
          <h3 className="analysis-args">Arguments</h3>
          <dl className="facts">
            {detail.args.map(([name, value]) => (
              <Fact key={name} name={<span className="mono">{name}</span>}>
                {value === "" ? <span className="faint">empty</span> : <span className="mono">{value}</span>}
              </Fact>
            ))}
          </dl>
        </>
      )}
    </section>
  )
}

/** Each metric with how it went; a link for each, so that one can be sent. */
function MetricList({ metrics, chosen, onChoose }: { metrics: readonly MetricResult[]; chosen: string; onChoose: (name: string) => void }) {
  return (
    <nav className="metric-list" aria-label="Metrics">
      {metrics.map((metric) => (
        <a
          key={metric.name}
          className="card metric-choice"
          href={`?metric=${encodeURIComponent(metric.name)}`}
          aria-current={metric.name === chosen ? "true" : undefined}
          data-tone={lookOf(metric.phase).tone}
          onClick={(event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return
            event.preventDefault()
            onChoose(metric.name)
          }}
        >
          <span className="metric-choice-name">{metric.name}</span>
          <span className="metric-choice-phase">
            <Phase phase={metric.phase} label={metric.phase === "" ? "Not measured" : undefined} />
            {metric.isDryRun && <span className="tag">dry run</span>}
          </span>
          <span className="faint metric-choice-tally">{tally(metric)}</span>
        </a>
      ))}
    </nav>
  )
}
