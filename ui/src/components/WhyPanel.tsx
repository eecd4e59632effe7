import { Group } from "@mantine/core"
import { Link } from "wouter"
import type { Evidence, Why } from "@/api/types"
import { Ago } from "@/components/Ago"
import { CopyText } from "@/components/CopyText"

const SIGNS: Readonly<Record<Evidence["kind"], string>> = {
  measurement: "α",
  event: "⚑",
  probe: "♥",
  condition: "§",
  object: "◆",
}

/** Why it is where it is, the evidence, and what to do next. */
export function WhyPanel({ why, title = "Why" }: { why: Why; title?: string }) {
  return (
    <section className="card why" data-tone={why.tone} aria-label={title} data-testid="why">
      <Group justify="space-between" gap="xs">
        <strong>{title}</strong>
        {why.reasons.length > 0 && (
          <span className="faint" style={{ fontSize: 12 }} title="The controller's own names for its reasons">
            {why.reasons.join(", ")}
          </span>
        )}
      </Group>
      {why.lines.map((line) => (
        <p key={line} style={{ margin: "6px 0 0", overflowWrap: "anywhere" }}>
          {line}
        </p>
      ))}
      {why.evidence.length > 0 && (
        <ul aria-label="Evidence">
          {why.evidence.map((fact, index) => (
            <li key={index} className="evidence">
              <span aria-hidden="true" className="faint">
                {SIGNS[fact.kind]}
              </span>
              <span>
                <span className="visually-hidden">{fact.kind}: </span>
                {fact.href === "" ? fact.text : <Link href={fact.href}>{fact.text}</Link>}
              </span>
              <span className="faint">
                <Ago at={fact.at} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {why.nextStep !== "" && (
        <p style={{ margin: "10px 0 0", overflowWrap: "anywhere" }}>
          <strong>Next: </strong>
          {why.nextStep}
        </p>
      )}
      {why.commands.map((command) => (
        <div key={command} style={{ marginTop: 6 }}>
          <CopyText text={command} />
        </div>
      ))}
    </section>
  )
}
