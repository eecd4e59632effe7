import type { Requirement } from "@/api/types"
import { lookOf } from "@/lib/phases"
import { requirementText } from "@/lib/values"

/** What must hold for the metric to pass: a sign and a word each. */
export function Requirements({ requirements, phase }: { requirements: readonly Requirement[]; phase: string }) {
  if (requirements.length === 0) {
    return <p className="faint">{phase === "" ? "Known once the run has begun." : "None could be worked out from this metric."}</p>
  }
  return (
    <ul className="requirements">
      {requirements.map((one) => {
        const look = lookOf(one.state)
        return (
          <li key={one.says} data-tone={look.tone}>
            <span className="requirement-sign" aria-hidden="true">
              {look.sign}
            </span>
            <span>{one.says}</span>
            <span className="requirement-state">{requirementText(one.state)}</span>
          </li>
        )
      })}
    </ul>
  )
}
