import { useSyncExternalStore } from "react"
import { serverNow } from "@/api/live"
import { ago, duration, instant } from "@/lib/time"

const listeners = new Set<() => void>()
let ticking: ReturnType<typeof setInterval> | undefined
let second = 0

function listen(listener: () => void): () => void {
  listeners.add(listener)
  ticking ??= setInterval(() => {
    second += 1
    for (const each of listeners) each()
  }, 1000)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) {
      clearInterval(ticking)
      ticking = undefined
    }
  }
}

/** The server's time, renewed each second while somebody shows it. */
export function useNow(): number {
  useSyncExternalStore(listen, () => second)
  return serverNow()
}

/** How long ago, kept true; the exact time is its title. */
export function Ago({ at, bare = false }: { at: string; bare?: boolean }) {
  const now = useNow()
  const then = instant(at)
  if (Number.isNaN(then)) return null
  return (
    <time dateTime={at} title={`${new Date(then).toLocaleString()} (${at})`} className="nowrap">
      {bare ? duration(now - then) : ago(at, now)}
    </time>
  )
}
