import { Button, SegmentedControl, TextInput } from "@mantine/core"
import type { ReactNode } from "react"
import { Loading, Problem } from "@/components/States"
import type { Metric } from "@/lib/series"
import type { Answer } from "@/views/metrics/useAnswer"

/** A page about Prometheus itself: title, refresh, and the states of its answer. */
export function Page<T>({
  title,
  answer,
  controls,
  children,
}: {
  title: string
  answer: Answer<T>
  controls?: ReactNode
  children: (value: T) => ReactNode
}) {
  return (
    <>
      <header className="metrics-head">
        <h1 className="visually-hidden">{title}</h1>
        <div className="metrics-head-end">
          {controls}
          <Button size="xs" variant="default" loading={answer.isBusy && answer.value !== null} onClick={answer.again}>
            Refresh
          </Button>
        </div>
      </header>
      {answer.error !== null ? (
        <Problem problem={answer.error.problem} nextStep={answer.error.nextStep} onRetry={answer.again} />
      ) : answer.value === null ? (
        <Loading lines={4} height={64} />
      ) : (
        children(answer.value)
      )}
    </>
  )
}

/** A search field of such a page. */
export function Search({ label, value, onChange }: { label: string; value: string; onChange: (text: string) => void }) {
  return (
    <TextInput
      size="xs"
      w={240}
      type="search"
      aria-label={label}
      placeholder={label}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  )
}

/** One of a few. */
export function Choice({
  label,
  value,
  options,
  onChange,
}: {
  label: string
  value: string
  options: readonly (readonly [string, string])[]
  onChange: (value: string) => void
}) {
  return (
    <SegmentedControl
      size="xs"
      aria-label={label}
      value={value === "" ? "all" : value}
      data={options.map(([name, text]) => ({ value: name, label: text }))}
      onChange={(next) => onChange(next === "all" ? "" : next)}
    />
  )
}

/** Labels as small pieces. */
export function Labels({ labels }: { labels: Metric }) {
  return (
    <span className="label-list">
      {Object.entries(labels)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => (
          <span key={name} className="label-piece mono">
            {name}=<b>{JSON.stringify(value)}</b>
          </span>
        ))}
    </span>
  )
}

/** Whether some labels, or texts, contain what was typed. */
export function contains(typed: string, labels: Metric, ...texts: readonly string[]): boolean {
  const wanted = typed.trim().toLowerCase()
  if (wanted === "") return true
  return [...Object.entries(labels).map(([name, value]) => `${name}="${value}"`), ...texts].some((text) => text.toLowerCase().includes(wanted))
}

/** Things by what they have in common, in order of the key. */
export function grouped<T>(things: readonly T[], keyOf: (thing: T) => string): readonly (readonly [string, readonly T[]])[] {
  const found = new Map<string, T[]>()
  for (const thing of things) {
    const key = keyOf(thing)
    const group = found.get(key)
    if (group === undefined) found.set(key, [thing])
    else group.push(thing)
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1))
}
