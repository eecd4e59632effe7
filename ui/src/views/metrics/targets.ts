import { prometheus } from "@/api/http"
import type { Metric } from "@/lib/series"

/** As `/api/v1/targets` tells of it. */
export interface Target {
  readonly discoveredLabels?: Metric
  readonly labels: Metric
  readonly scrapePool: string
  readonly scrapeUrl: string
  readonly globalUrl?: string
  readonly lastError: string
  readonly lastScrape: string
  readonly lastScrapeDuration: number
  readonly health: "up" | "down" | "unknown"
  readonly scrapeInterval?: string
  readonly scrapeTimeout?: string
}

export interface Dropped {
  readonly discoveredLabels: Metric
  readonly scrapePool?: string
}

export interface Targets {
  readonly activeTargets: readonly Target[] | null
  readonly droppedTargets: readonly Dropped[] | null
  readonly droppedTargetCounts?: Readonly<Record<string, number>> | null
}

export function targets(state: "active" | "any"): (signal: AbortSignal) => Promise<Targets> {
  return (signal) => prometheus<Targets>("targets", { state }, signal)
}
