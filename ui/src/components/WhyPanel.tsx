import { Link } from "wouter"
import type { Evidence, Why } from "@/api/types"
import { Ago } from "@/components/Ago"
import { Coded } from "@/components/Coded"
import { CopyText } from "@/components/CopyText"

const WORDS: Readonly<Record<Evidence["kind"], string>> = {
  measurement: "Measured",
  event: "Event",
  probe: "Probe",
  condition: "Condition",
  object: "Object",
}

/** A first line as long as this is a headline; a longer one would shout. */
const HEADLINE = 160

/** Why it is where it is, the evidence, and what to do next. */
export function WhyPanel({ why, title = "Why" }: { why: Why; title?: string }) {
  return (
    <section className="card why" data-tone={why.tone} aria-label={title} data-testid="why">
      <div className="why-head">
        <h2>{title}</h2>
        {why.reasons.length > 0 && (
          <span className="faint" title="The controller's own names for its reasons">
            {why.reasons.join(", ")}
          </span>
        )}
      </div>
      {why.lines.map((line, index) => (
        <p key={index} className={index === 0 && line.length <= HEADLINE ? "why-first" : undefined}>
          <Coded text={line} />
        </p>
      ))}
      {why.evidence.length > 0 && (
        <ul aria-label="Evidence">
          {why.evidence.map((fact, index) => (
            <li key={index} className="evidence">
              <span className="evidence-kind">
                {WORDS[fact.kind]}
                <span className="visually-hidden">: </span>
              </span>
              <span className="evidence-text">
                {fact.href === "" ? fact.text : <Link href={fact.href}>{fact.text}</Link>}
              </span>
              <span className="faint evidence-at">
                <Ago at={fact.at} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {why.nextStep !== "" && (
        <p className="why-next">
          <strong>Next: </strong>
          <Coded text={why.nextStep} />
        </p>
      )}
      {why.commands.map((command) => (
        <div key={command} className="why-command">
          <CopyText text={command} />
        </div>
      ))}
    </section>
  )
}
