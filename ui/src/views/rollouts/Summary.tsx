import type { ReactNode } from "react"
import { Link } from "wouter"
import type { EventRow, RolloutDetail } from "@/api/types"
import { Ago } from "@/components/Ago"
import { Phase, Tag } from "@/components/Phase"
import { applicationPath } from "@/lib/rollouts"
import { strategyText } from "@/views/rollouts/RolloutCard"

/** What a Rollout is, in one column. */
export function Summary({ detail }: { detail: RolloutDetail }) {
  const { row } = detail
  return (
    <section className="card panel" aria-labelledby="summary">
      <h2 id="summary">Summary</h2>
      <dl className="facts">
        <Fact name="Strategy">{strategyText(row) || "None"}</Fact>
        {row.step !== null && (
          <Fact name="Step">
            {row.step}/{row.steps}
          </Fact>
        )}
        {row.setWeight !== null && <Fact name="Set weight">{row.setWeight} %</Fact>}
        {row.actualWeight !== null && <Fact name="Actual weight">{row.actualWeight} %</Fact>}
        <Fact name="Images" isWide>
          <ul className="images">
            {row.images.map((one) => (
              <li key={one.image}>
                <span className="mono">{one.image}</span>
                {one.tags.map((tag) => (
                  <Tag key={tag} tag={tag} />
                ))}
              </li>
            ))}
            {row.images.length === 0 && <li className="faint">None runs</li>}
          </ul>
        </Fact>
        {detail.application !== "" && (
          <Fact name="Application">
            <Link href={applicationPath(detail.application)}>{detail.application}</Link>
          </Fact>
        )}
        <Fact name="Age">
          <Ago at={row.created} bare />
        </Fact>
      </dl>
      <dl className="replicas" aria-label="Replicas">
        <Count name="Desired" count={row.desired} />
        <Count name="Ready" count={row.ready} />
        <Count name="Available" count={row.available} />
        <Count name="Updated" count={row.updated} />
      </dl>
    </section>
  )
}

function Fact({ name, isWide = false, children }: { name: string; isWide?: boolean; children: ReactNode }) {
  return (
    <div data-wide={isWide}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Count({ name, count }: { name: string; count: number }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{count}</dd>
    </div>
  )
}

const EVENTS_SHOWN = 60

/** The Events about a Rollout and all that it owns, newest first. */
export function Events({ events }: { events: readonly EventRow[] }) {
  return (
    <section className="card panel events-panel" aria-labelledby="events">
      <h2 id="events">Events</h2>
      {events.length === 0 ? (
        <p className="faint">Nothing happened lately; Kubernetes forgets events after an hour.</p>
      ) : (
        <div className="events" tabIndex={0} role="group" aria-label="All events">
          <table>
            <thead>
              <tr>
                <th scope="col">Type</th>
                <th scope="col">What</th>
                <th scope="col" className="event-last">
                  Last
                </th>
              </tr>
            </thead>
            <tbody>
              {events.slice(0, EVENTS_SHOWN).map((event) => (
                <tr key={event.key}>
                  <td>
                    <Phase phase={event.type} />
                  </td>
                  <td>
                    <strong>{event.reason}</strong>
                    {event.count > 1 && (
                      <span className="faint" title={`${event.count} times`}>
                        {" "}
                        × {event.count}
                      </span>
                    )}
                    <div>{event.message}</div>
                    <div className="faint small">{event.about}</div>
                  </td>
                  <td className="event-last faint">
                    <Ago at={event.last} bare />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {events.length > EVENTS_SHOWN && <p className="faint">{events.length - EVENTS_SHOWN} older ones are not shown.</p>}
        </div>
      )}
    </section>
  )
}
