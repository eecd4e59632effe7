/**
 * The one stream of this page: topics are asked for while somebody looks at them.
 *
 * Nothing is polled. What was known stays shown while the connection is lost (`isStale`), and a snapshot replaces it
 * once it is back. A page nobody sees gives its connection back: browsers have six for each server.
 */

import { useCallback, useEffect, useMemo, useSyncExternalStore } from "react"
import { ApiError, asApiError, openStream } from "@/api/http"
import { apply, Parser, type Keyed, type Known, type RowProblem, type StreamEvent } from "@/lib/stream"

export type Connection = "connecting" | "open" | "lost" | "unauthorized"

export interface Link {
  readonly connection: Connection
  /** Why it was lost. */
  readonly problem: string
  /** When it was lost, in milliseconds of this machine's clock; 0 while it is not. */
  readonly lostAt: number
}

export interface LiveState extends Link {
  readonly known: Known
}

const FIRST_RETRY = 500
const LAST_RETRY = 5000
const SILENCE = 15_000 // the server says something every 5 s
const HIDDEN_GRACE = 30_000

/** One connection and what is known from it. */
export class Live {
  private state: LiveState = { known: new Map(), connection: "connecting", problem: "", lostAt: 0 }
  private lastLink: Link = this.state
  private readonly listeners = new Set<() => void>()
  private readonly wanted = new Map<string, number>()
  private abort: AbortController | null = null
  private opened = ""
  private isScheduled = false
  private retry = FIRST_RETRY
  private timer: ReturnType<typeof setTimeout> | undefined
  private hidden: ReturnType<typeof setTimeout> | undefined
  /** Server's time minus ours. */
  private offset = 0

  constructor() {
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.hidden)
      if (document.hidden) this.hidden = setTimeout(() => this.close(), HIDDEN_GRACE)
      else if (this.abort === null) this.schedule()
    })
  }

  now(): number {
    return Date.now() + this.offset
  }

  snapshot = (): LiveState => this.state

  /** The same object until the connection changes: whoever shows only that is not drawn anew with each event. */
  link = (): Link => this.lastLink

  listen = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Ask for a topic until the returned function is called. */
  want(topic: string): () => void {
    this.wanted.set(topic, (this.wanted.get(topic) ?? 0) + 1)
    this.schedule()
    return () => {
      const left = (this.wanted.get(topic) ?? 1) - 1
      if (left > 0) this.wanted.set(topic, left)
      else this.wanted.delete(topic)
      this.schedule()
    }
  }

  /** Try again now. */
  reconnect = (): void => {
    this.close()
    this.retry = FIRST_RETRY
    this.schedule()
  }

  private schedule(): void {
    if (this.isScheduled) return
    this.isScheduled = true
    queueMicrotask(() => {
      this.isScheduled = false
      const topics = [...this.wanted.keys()].sort()
      if (topics.length === 0 || (this.abort !== null && topics.join(" ") === this.opened)) return
      void this.run(topics)
    })
  }

  private close(): void {
    clearTimeout(this.timer)
    this.abort?.abort()
    this.abort = null
    this.opened = ""
  }

  private async run(topics: readonly string[]): Promise<void> {
    this.close()
    const abort = new AbortController()
    this.abort = abort
    this.opened = topics.join(" ")
    // What nobody looks at any more would be old when somebody does again.
    const known = new Map([...this.state.known].filter(([topic]) => this.wanted.has(topic)))
    this.set({ known })
    const listening = () => setTimeout(() => abort.abort("silent"), SILENCE)
    let silence = listening()
    try {
      const reader = (await openStream(topics, abort.signal)).getReader()
      const decoder = new TextDecoder()
      const parser = new Parser()
      for (;;) {
        const piece = await reader.read()
        clearTimeout(silence)
        silence = listening()
        if (piece.done) throw new ApiError(0, "The server ended the connection.", "")
        this.take(parser.push(decoder.decode(piece.value, { stream: true })))
      }
    } catch (error) {
      if (this.abort !== abort) return // replaced or closed on purpose
      this.abort = null
      this.opened = ""
      this.lost(asApiError(error))
    } finally {
      clearTimeout(silence)
    }
  }

  private take(events: readonly StreamEvent[]): void {
    let known = this.state.known
    for (const event of events) {
      if (event.type === "hello" || event.type === "ping") this.offset = Date.parse(event.now) - Date.now()
      known = apply(known, event)
    }
    this.retry = FIRST_RETRY
    if (known !== this.state.known || this.state.connection !== "open") {
      this.set({ known, connection: "open", problem: "", lostAt: 0 })
    }
  }

  private lost(error: ApiError): void {
    if (error.status === 401) {
      this.set({ connection: "unauthorized", problem: error.problem, known: new Map() })
      return
    }
    this.set({ connection: "lost", problem: error.problem, lostAt: this.state.lostAt || Date.now() })
    this.timer = setTimeout(() => this.schedule(), this.retry)
    this.retry = Math.min(this.retry * 2, LAST_RETRY)
  }

  private set(change: Partial<LiveState>): void {
    this.state = { ...this.state, ...change }
    const { connection, problem, lostAt } = this.state
    const last = this.lastLink
    if (connection !== last.connection || problem !== last.problem || lostAt !== last.lostAt) {
      this.lastLink = { connection, problem, lostAt }
    }
    for (const listener of this.listeners) listener()
  }
}

export const live = new Live()

/** The server's time in milliseconds. */
export function serverNow(): number {
  return live.now()
}

/** How the connection is. */
export function useConnection(): Link {
  return useSyncExternalStore(live.listen, live.link)
}

/** What is known of a topic. A view has these states; `isStale` says that the connection is lost. */
export type Loaded<T> =
  | { readonly state: "loading"; readonly isStale: boolean }
  | { readonly state: "missing"; readonly isStale: boolean }
  | { readonly state: "problem"; readonly problem: string; readonly nextStep: string; readonly isStale: boolean }
  | { readonly state: "data"; readonly value: T; readonly isStale: boolean }

function useTopic(topic: string) {
  useEffect(() => (topic === "" ? undefined : live.want(topic)), [topic])
  const get = useCallback(() => live.snapshot().known.get(topic), [topic])
  const known = useSyncExternalStore(live.listen, get)
  const isStale = useSyncExternalStore(live.listen, () => live.snapshot().connection === "lost")
  return { known, isStale }
}

/** One thing: `rollout/shop/web`. An empty topic asks for nothing and stays loading. */
export function useValue<T>(topic: string): Loaded<T> {
  const { known, isStale } = useTopic(topic)
  return useMemo((): Loaded<T> => {
    if (known === undefined || known.kind === "rows") return { state: "loading", isStale }
    if (known.kind === "problem") return { state: "problem", problem: known.problem, nextStep: known.nextStep, isStale }
    if (known.value === null) return { state: "missing", isStale }
    return { state: "data", value: known.value as T, isStale }
  }, [known, isStale])
}

/** A list, ordered by key: `rollouts`. */
export function useRows<T extends Keyed>(topic: string): Loaded<readonly T[]> {
  const { known, isStale } = useTopic(topic)
  return useMemo((): Loaded<readonly T[]> => {
    if (known === undefined || known.kind === "value") return { state: "loading", isStale }
    if (known.kind === "problem") return { state: "problem", problem: known.problem, nextStep: known.nextStep, isStale }
    const rows = [...known.rows.values()] as unknown as T[]
    return { state: "data", value: rows.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)), isStale }
  }, [known, isStale])
}

const NO_PROBLEMS: readonly RowProblem[] = []

/** The rows of a list that cannot be shown as they are now; what was known of them before stays in the list. */
export function useRowProblems(topic: string): readonly RowProblem[] {
  const { known } = useTopic(topic)
  const broken = known?.kind === "rows" ? known.broken : undefined
  return useMemo(() => (broken === undefined || broken.size === 0 ? NO_PROBLEMS : [...broken.values()]), [broken])
}
