import type { ReactNode } from "react"
import { lookOf } from "@/lib/phases"

/** A state as a pill: sign, word, colour. `label` replaces the word, not what it means. */
export function Phase({ phase, label, size = "md" }: { phase: string; label?: ReactNode; size?: "md" | "lg" }) {
  const look = lookOf(phase)
  return (
    <span className="phase" data-tone={look.tone} data-size={size} data-phase={phase}>
      <span className="sign" aria-hidden="true" data-turning={look.sign === "◌"}>
        {look.sign}
      </span>
      {label ?? (phase === "" ? "Unknown" : phase)}
    </span>
  )
}

/** stable, canary, active, preview, … */
export function Tag({ tag }: { tag: string }) {
  return (
    <span className="tag" data-tag={tag}>
      {tag}
    </span>
  )
}
