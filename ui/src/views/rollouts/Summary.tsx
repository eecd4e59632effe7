import { Link } from "wouter"
import type { RolloutDetail } from "@/api/types"
import { Ago } from "@/components/Ago"
import { Fact } from "@/components/Facts"
import { Tag } from "@/components/Phase"
import { applicationPath } from "@/lib/rollouts"
import { strategyText } from "@/views/rollouts/RolloutCard"

/** What a Rollout is, and the numbers of where it stands. */
export function Summary({ detail }: { detail: RolloutDetail }) {
  const { row } = detail
  return (
    <section className="card panel" aria-labelledby="summary">
      <h2 id="summary">Summary</h2>
      {row.step !== null && (
        <dl className="counts" aria-label="Progress">
          <Count name="Step" count={`${row.step}/${row.steps}`} />
          {row.setWeight !== null && <Count name="Set weight" count={`${row.setWeight} %`} />}
          {row.actualWeight !== null && <Count name="Actual weight" count={`${row.actualWeight} %`} />}
        </dl>
      )}
      <dl className="counts" aria-label="Replicas">
        <Count name="Desired" count={row.desired} />
        <Count name="Ready" count={row.ready} />
        <Count name="Available" count={row.available} />
        <Count name="Updated" count={row.updated} />
      </dl>
      <dl className="facts">
        <Fact name="Strategy">{strategyText(row) || "None"}</Fact>
        <Fact name={row.images.length > 1 ? "Images" : "Image"} isWide>
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
    </section>
  )
}

function Count({ name, count }: { name: string; count: number | string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{count}</dd>
    </div>
  )
}
