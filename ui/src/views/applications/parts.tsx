import { useEffect, useState, type ReactNode, type RefCallback } from "react"
import type { Commit } from "@/api/types"
import { shortSha, subject, word } from "@/lib/applications"
import { lookOf } from "@/lib/phases"

const STEP = 60

/**
 * How much of a long list is drawn: what was scrolled to and a little more. The ref belongs to what stands at its end.
 */
export function useGrowing(count: number): [limit: number, end: RefCallback<HTMLElement>] {
  const [limit, setLimit] = useState(STEP)
  const [end, setEnd] = useState<HTMLElement | null>(null)
  const isAll = limit >= count
  useEffect(() => {
    if (end === null || isAll) return undefined
    const observer = new IntersectionObserver(
      (seen) => {
        if (seen.some((one) => one.isIntersecting)) setLimit((before) => before + STEP)
      },
      { rootMargin: "1200px" },
    )
    observer.observe(end)
    return () => observer.disconnect()
  }, [end, isAll, limit])
  return [Math.min(limit, count), setEnd]
}

/** A state as sign and word, without the pill: where there are many of them. */
export function Sign({ state, label }: { state: string; label?: ReactNode }) {
  const look = lookOf(word(state))
  return (
    <span className="app-sign" data-tone={look.tone} data-phase={state}>
      <span className="sign" aria-hidden="true" data-turning={look.sign === "◌"}>
        {look.sign}
      </span>
      <span>{label ?? word(state)}</span>
    </span>
  )
}

/** `9be1ebc Deploy it` on one line. */
export function CommitLine({ commit }: { commit: Commit }) {
  if (commit.sha === "") return <span className="faint">no revision yet</span>
  return (
    <span title={[commit.sha, commit.message, commit.author].filter((one) => one !== "").join("\n")}>
      <code className="app-sha">{shortSha(commit.sha)}</code> {subject(commit)}
    </span>
  )
}
