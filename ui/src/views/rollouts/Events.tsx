import { useState } from "react"
import type { EventRow } from "@/api/types"
import { Ago } from "@/components/Ago"
import { lookOf } from "@/lib/phases"

const SHOWN = 60

/** The Events about a Rollout and all that it owns, newest first; the warnings alone when somebody wants them. rollout: its name. */
export function Events({ events, rollout }: { events: readonly EventRow[]; rollout: string }) {
  const [areWarningsWanted, wantWarnings] = useState(false)
  const warnings = events.filter((event) => event.type === "Warning")
  const isNarrowed = areWarningsWanted && warnings.length > 0
  const wanted = isNarrowed ? warnings : events
  return (
    <section className="card panel events-panel" aria-labelledby="events">
      <div className="panel-head">
        <h2 id="events">Events</h2>
        {warnings.length > 0 && (
          <button type="button" className="counter events-warnings" data-tone="bad" aria-pressed={isNarrowed} onClick={() => wantWarnings(!isNarrowed)}>
            <span aria-hidden="true">{lookOf("Warning").sign}</span> {warnings.length === 1 ? "Warning" : "Warnings"} <strong>{warnings.length}</strong>
          </button>
        )}
      </div>
      {events.length === 0 ? (
        <p className="faint">Nothing happened lately; Kubernetes forgets events after an hour.</p>
      ) : (
        <div className="events" tabIndex={0} role="group" aria-label="All events">
          <ul>
            {wanted.slice(0, SHOWN).map((event) => (
              <EventLine key={event.key} event={event} rollout={rollout} />
            ))}
          </ul>
          {wanted.length > SHOWN && <p className="faint">{wanted.length - SHOWN} older ones are not shown.</p>}
        </div>
      )}
    </section>
  )
}

/** An Event: warnings stand out. rollout: what it is about is told when it is not this Rollout, if there is one. */
export function EventLine({ event, rollout }: { event: EventRow; rollout?: string }) {
  const look = lookOf(event.type)
  return (
    <li className="event" data-tone={look.tone} data-type={event.type}>
      <span className="event-sign" aria-hidden="true">
        {look.sign}
      </span>
      <div className="event-head">
        <span className="visually-hidden">{event.type}: </span>
        <strong>{event.reason}</strong>
        {event.count > 1 && (
          <span className="faint" title={`${event.count} times`}>
            × {event.count}
          </span>
        )}
        <span className="faint event-last">
          <Ago at={event.last} bare />
        </span>
      </div>
      <div className="event-text">{event.message}</div>
      {rollout !== undefined && event.about !== `Rollout/${rollout}` && <div className="faint event-about">{event.about}</div>}
    </li>
  )
}
