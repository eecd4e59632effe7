import { useMemo, type ReactNode } from "react"
import { Link } from "wouter"
import { prometheus } from "@/api/http"
import { CopyText } from "@/components/CopyText"
import { Loading } from "@/components/States"
import { queryHref } from "@/lib/queryurl"
import { count } from "@/lib/units"
import { Page } from "@/views/metrics/Page"
import { QueryProblem } from "@/views/metrics/QueryProblem"
import { useAnswer, type Answer } from "@/views/metrics/useAnswer"

type Told = Readonly<Record<string, string | number | boolean | null>>

interface Counted {
  readonly name: string
  readonly value: number
}

interface Tsdb {
  readonly headStats?: Told
  readonly seriesCountByMetricName?: readonly Counted[] | null
  readonly labelValueCountByLabelName?: readonly Counted[] | null
  readonly memoryInBytesByLabelName?: readonly Counted[] | null
  readonly seriesCountByLabelValuePair?: readonly Counted[] | null
}

function useStatus<T>(path: string): Answer<T> {
  return useAnswer(`status ${path}`, (signal) => prometheus<T>(`status/${path}`, {}, signal))
}

/** What runs, with which settings, and what is in the store. */
export default function StatusView() {
  const build = useStatus<Told>("buildinfo")
  const runtime = useStatus<Told>("runtimeinfo")
  const tsdb = useStatus<Tsdb>("tsdb")
  const flags = useStatus<Told>("flags")
  const config = useStatus<{ readonly yaml: string }>("config")
  const all = useMemo(() => [build, runtime, tsdb, flags, config] as const, [build, runtime, tsdb, flags, config])
  // A page of several answers: one that fails says so in its own place.
  const whole: Answer<true> = {
    value: true,
    error: null,
    isBusy: all.some((answer) => answer.isBusy),
    took: 0,
    again: () => {
      for (const answer of all) answer.again()
    },
  }
  return (
    <Page title="Status" answer={whole}>
      {() => (
        <div className="status">
          <Section title="Build" answer={build}>
            {(told) => <Facts told={told} />}
          </Section>
          <Section title="Runtime" answer={runtime}>
            {(told) => <Facts told={told} />}
          </Section>
          <Section title="Store" answer={tsdb}>
            {(told) => <Facts told={told.headStats ?? {}} />}
          </Section>
          <Section title="Metrics with most series" answer={tsdb}>
            {(told) => <Top counted={told.seriesCountByMetricName} isMetric />}
          </Section>
          <Section title="Labels with most values" answer={tsdb}>
            {(told) => <Top counted={told.labelValueCountByLabelName} />}
          </Section>
          <Section title="Label pairs with most series" answer={tsdb}>
            {(told) => <Top counted={told.seriesCountByLabelValuePair} />}
          </Section>
          <Section title="Labels with most memory (bytes)" answer={tsdb}>
            {(told) => <Top counted={told.memoryInBytesByLabelName} />}
          </Section>
          <Section title="Flags" answer={flags}>
            {(told) => <Facts told={told} />}
          </Section>
          <Section title="Configuration" answer={config} isWide>
            {(told) => <CopyText text={told.yaml === "" ? "# nothing is configured" : told.yaml} isBlock />}
          </Section>
        </div>
      )}
    </Page>
  )
}

function Section<T>({
  title,
  answer,
  isWide = false,
  children,
}: {
  title: string
  answer: Answer<T>
  isWide?: boolean
  children: (value: T) => ReactNode
}) {
  return (
    <section className="card status-part" data-wide={isWide || undefined}>
      <h2>{title}</h2>
      {answer.error !== null ? (
        <QueryProblem problem={answer.error.problem} status={answer.error.status} nextStep={answer.error.nextStep} />
      ) : answer.value === null ? (
        <Loading lines={3} height={22} />
      ) : (
        children(answer.value)
      )}
    </section>
  )
}

const TIMES: ReadonlySet<string> = new Set(["minTime", "maxTime"])

function Facts({ told }: { told: Told }) {
  const facts = Object.entries(told).filter(([, value]) => value !== "" && value !== null)
  if (facts.length === 0) return <p className="faint">Nothing is told.</p>
  return (
    <dl className="status-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="mono">{factText(name, value)}</dd>
        </div>
      ))}
    </dl>
  )
}

function factText(name: string, value: string | number | boolean | null): string {
  if (typeof value !== "number") return String(value)
  if (TIMES.has(name) && Math.abs(value) < 8.64e15 && value > 0) return `${new Date(value).toISOString().slice(0, 19).replace("T", " ")} UTC`
  return count(value)
}

function Top({ counted, isMetric = false }: { counted: readonly Counted[] | null | undefined; isMetric?: boolean }) {
  const listed = counted ?? []
  const most = Math.max(1, ...listed.map((each) => each.value))
  if (listed.length === 0) return <p className="faint">Nothing is told.</p>
  return (
    <ol className="top-ten">
      {listed.map((each) => (
        <li key={each.name}>
          <span className="mono top-name">{isMetric ? <Link href={queryHref(each.name)}>{each.name}</Link> : each.name}</span>
          <span className="mono">{count(each.value)}</span>
          <span className="top-bar" aria-hidden="true" style={{ width: `${(each.value / most) * 100}%` }} />
        </li>
      ))}
    </ol>
  )
}
