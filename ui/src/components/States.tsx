import { Button, Skeleton, Stack } from "@mantine/core"
import type { ReactNode } from "react"
import { live, type Loaded } from "@/api/live"

/** Nothing is known yet: the shape of what will be there. */
export function Loading({ lines = 4, height = 84 }: { lines?: number; height?: number }) {
  return (
    <Stack gap="sm" aria-busy="true" role="status">
      <span className="visually-hidden">Loading</span>
      {Array.from({ length: lines }, (_, index) => (
        <Skeleton key={index} height={height} radius="md" />
      ))}
    </Stack>
  )
}

/** There is nothing, and this is how there would be something. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="state card">
      <div aria-hidden="true" style={{ fontSize: 34, lineHeight: 1, opacity: 0.6 }}>
        ◌
      </div>
      <h2>{title}</h2>
      {children}
    </div>
  )
}

/** It went wrong: what happened, and what to do. */
export function Problem({ problem, nextStep, onRetry }: { problem: string; nextStep?: string; onRetry?: () => void }) {
  return (
    <div className="state card" role="alert">
      <div aria-hidden="true" style={{ fontSize: 30, lineHeight: 1, color: "var(--bad)" }}>
        ⚠
      </div>
      <h2>{problem}</h2>
      {nextStep !== undefined && nextStep !== "" && <p>{nextStep}</p>}
      <Button variant="default" onClick={onRetry ?? live.reconnect}>
        Try again
      </Button>
    </div>
  )
}

/** The states of a topic around the view of its data. */
export function Shown<T>({
  loaded,
  missing,
  lines,
  children,
}: {
  loaded: Loaded<T>
  missing: ReactNode
  lines?: number
  children: (value: T) => ReactNode
}) {
  switch (loaded.state) {
    case "loading":
      return <Loading lines={lines} />
    case "missing":
      return missing
    case "problem":
      return <Problem problem={loaded.problem} nextStep={loaded.nextStep} />
    case "data":
      return children(loaded.value)
  }
}
