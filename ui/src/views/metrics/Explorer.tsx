import { Button, Drawer, TextInput } from "@mantine/core"
import { useMemo, useState } from "react"
import { prometheus } from "@/api/http"
import { Loading } from "@/components/States"
import { familyOf, fuzzy, labelCounts, type LabelCount, type Metric } from "@/lib/series"
import { counted } from "@/lib/units"
import { QueryProblem } from "@/views/metrics/QueryProblem"
import { useAnswer } from "@/views/metrics/useAnswer"

const LISTED = 200
const VALUES = 50

type Metadata = Readonly<Record<string, readonly { readonly type: string; readonly help: string; readonly unit: string }[]>>

interface MetricInfo {
  readonly name: string
  readonly type: string
  readonly help: string
}

/** All metrics that there are: what they mean, and what labels they have. */
export function Explorer({ isOpen, onClose, onInsert }: { isOpen: boolean; onClose: () => void; onInsert: (text: string) => void }) {
  const [typed, setTyped] = useState("")
  const [chosen, setChosen] = useState("")
  return (
    <Drawer.Root opened={isOpen} onClose={onClose} position="right" size="lg">
      <Drawer.Overlay />
      <Drawer.Content aria-label="Metrics">
        <Drawer.Body>
          <div className="explorer-head">
            <strong>Metrics</strong>
            <Drawer.CloseButton aria-label="Close the explorer" />
          </div>
          {chosen === "" ? (
            <All typed={typed} setTyped={setTyped} onChoose={setChosen} isOpen={isOpen} />
          ) : (
            <One name={chosen} onBack={() => setChosen("")} onInsert={onInsert} />
          )}
        </Drawer.Body>
      </Drawer.Content>
    </Drawer.Root>
  )
}

async function allMetrics(signal: AbortSignal): Promise<readonly MetricInfo[]> {
  const [names, metadata] = await Promise.all([
    prometheus<readonly string[]>("label/__name__/values", {}, signal),
    prometheus<Metadata>("metadata", {}, signal),
  ])
  return names.map((name) => {
    const told = metadata[familyOf(name, (each) => each in metadata)]?.[0]
    return { name, type: told?.type ?? "", help: told?.help ?? "" }
  })
}

function All({
  typed,
  setTyped,
  onChoose,
  isOpen,
}: {
  typed: string
  setTyped: (text: string) => void
  onChoose: (name: string) => void
  isOpen: boolean
}) {
  const answer = useAnswer(isOpen ? "metrics" : "", allMetrics)
  const found = useMemo(() => fuzzy(typed, answer.value ?? [], (metric) => metric.name), [typed, answer.value])
  if (answer.error !== null) return <QueryProblem problem={answer.error.problem} status={answer.error.status} />
  if (answer.value === null) return <Loading lines={8} height={44} />
  return (
    <div className="explorer">
      <TextInput
        aria-label="Search metrics"
        placeholder="Search metrics"
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        data-autofocus
      />
      <p className="faint" role="status">
        {typed === "" ? counted(found.length, "metric", "metrics") : `${counted(found.length, "metric fits", "metrics fit")}, best first`}
      </p>
      <ul className="explorer-list">
        {found.slice(0, LISTED).map((metric) => (
          <li key={metric.name}>
            <button type="button" onClick={() => onChoose(metric.name)}>
              <span className="explorer-name">
                <span className="mono">{metric.name}</span>
                {metric.type !== "" && metric.type !== "unknown" && <span className="tag">{metric.type}</span>}
              </span>
              {metric.help !== "" && <span className="faint">{metric.help}</span>}
            </button>
          </li>
        ))}
      </ul>
      {found.length > LISTED && <p className="faint">{counted(found.length - LISTED, "more metric", "more metrics")}: type to find one.</p>}
    </div>
  )
}

function One({ name, onBack, onInsert }: { name: string; onBack: () => void; onInsert: (text: string) => void }) {
  const answer = useAnswer(`series ${name}`, async (signal) => {
    const selector = `{__name__=${JSON.stringify(name)}}`
    const [series, metadata] = await Promise.all([
      prometheus<readonly Metric[]>("series", { "match[]": selector }, signal),
      prometheus<Metadata>("metadata", {}, signal),
    ])
    const told = metadata[familyOf(name, (each) => each in metadata)]?.[0]
    return { size: series.length, labels: labelCounts(series), type: told?.type ?? "", help: told?.help ?? "" }
  })
  const isCounter = answer.value?.type === "counter" || /_(total|count|sum|bucket)$/.test(name)
  return (
    <div className="explorer">
      <Button size="compact-sm" variant="subtle" onClick={onBack} data-autofocus>
        ← All metrics
      </Button>
      <h2 className="explorer-title mono">{name}</h2>
      {answer.error !== null && <QueryProblem problem={answer.error.problem} status={answer.error.status} />}
      {answer.value === null && answer.error === null && <Loading lines={5} height={36} />}
      {answer.value !== null && (
        <>
          <p>
            {answer.value.type !== "" && <span className="tag">{answer.value.type}</span>} {answer.value.help}{" "}
            <span className="faint">{counted(answer.value.size, "series", "series")}</span>
          </p>
          <div className="explorer-insert">
            <Button size="xs" onClick={() => onInsert(name)}>
              Insert into query
            </Button>
            {isCounter && (
              <Button size="xs" variant="default" onClick={() => onInsert(`rate(${name}[5m])`)}>
                Insert its rate
              </Button>
            )}
          </div>
          {answer.value.labels.map((label) => (
            <Label key={label.name} label={label} onInsert={(value) => onInsert(`${name}{${label.name}=${JSON.stringify(value)}}`)} />
          ))}
        </>
      )}
    </div>
  )
}

function Label({ label, onInsert }: { label: LabelCount; onInsert: (value: string) => void }) {
  const [isAll, setAll] = useState(false)
  const listed = isAll ? label.values : label.values.slice(0, VALUES)
  return (
    <details className="explorer-label">
      <summary>
        <span className="mono">{label.name}</span> <span className="faint">{counted(label.values.length, "value", "values")}</span>
      </summary>
      <ul>
        {listed.map(([value, size]) => (
          <li key={value}>
            <button type="button" title={`Insert into query, with ${label.name}=${JSON.stringify(value)}`} onClick={() => onInsert(value)}>
              <span className="mono">{value}</span>
              <span className="faint nowrap">{counted(size, "series", "series")}</span>
            </button>
          </li>
        ))}
      </ul>
      {listed.length < label.values.length && (
        <Button size="compact-xs" variant="default" onClick={() => setAll(true)}>
          Show all
        </Button>
      )}
    </details>
  )
}
