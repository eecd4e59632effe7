import { memo } from "react"
import { Link } from "wouter"
import type { PodCell, ReplicaSetCell, RolloutRow } from "@/api/types"
import { Ago } from "@/components/Ago"
import { Phase, Tag } from "@/components/Phase"
import { toggleFavourite } from "@/lib/favourites"
import { lookOf, lookOfPod } from "@/lib/phases"
import { remark, rolloutPath, shortImage, weightText } from "@/lib/rollouts"

const PODS_SHOWN = 36

/** One Rollout at a glance. Drawn anew only when its row or its star changes. */
export const RolloutCard = memo(function RolloutCard({
  row,
  isFavourite,
  index,
  count,
}: {
  row: RolloutRow
  isFavourite: boolean
  index: number
  count: number
}) {
  const text = remark(row)
  return (
    <div className="card rollout-card" role="listitem" aria-posinset={index + 1} aria-setsize={count} data-tone={lookOf(row.phase).tone} data-key={row.key}>
      <div className="rollout-head">
        <Link href={rolloutPath(row.namespace, row.name)} className="rollout-name" data-index={index} title={row.name}>
          {row.name}
        </Link>
        <Phase phase={row.phase} />
        <Star rolloutKey={row.key} isFavourite={isFavourite} />
      </div>
      <div className="rollout-sub faint">
        <span className="ellipsis" title={`Namespace ${row.namespace}`}>
          {row.namespace}
        </span>
        {row.strategy !== "" && <span className="strategy">{strategyText(row)}</span>}
        <span className="nowrap" title="How long it has been in this phase">
          <Ago at={row.since} bare />
        </span>
      </div>
      <Progress row={row} />
      <ul className="rollout-sets" aria-label="ReplicaSets">
        {row.replicaSets.map((one) => (
          <SetLine key={one.name} set={one} />
        ))}
        {row.replicaSets.length === 0 && <li className="faint">No pods</li>}
      </ul>
      {text !== "" && (
        <p className="rollout-text" title={text}>
          {text}
        </p>
      )}
    </div>
  )
})

/** A strategy in words; empty for none. */
export function strategyText(row: Pick<RolloutRow, "strategy">): string {
  return row.strategy === "BlueGreen" ? "Blue-green" : row.strategy
}

/** Weight with a bar, and the step. Pods that are ready where there is no weight. */
export function Progress({ row }: { row: RolloutRow }) {
  const hasWeight = row.setWeight !== null || row.actualWeight !== null
  return (
    <div className="rollout-progress">
      {hasWeight ? (
        <>
          <span className="weight-text">
            <span className="faint">Weight </span>
            {weightText(row)}
          </span>
          <Bar set={row.setWeight} actual={row.actualWeight} isDone={row.phase === "Healthy"} />
        </>
      ) : (
        <span className="weight-text">
          {row.ready}/{row.desired} <span className="faint">ready</span>
        </span>
      )}
      {row.step !== null && (
        <span className="nowrap">
          <span className="faint">Step </span>
          {row.step}/{row.steps}
        </span>
      )}
    </div>
  )
}

/** What the new version has (filled) and what it should have (a mark). isDone: it is the stable one by now. */
export function Bar({ set, actual, isDone }: { set: number | null; actual: number | null; isDone: boolean }) {
  return (
    <span className="bar" data-done={isDone} aria-hidden="true">
      <span className="bar-fill" style={{ width: `${actual ?? set ?? 0}%` }} />
      {set !== null && set > 0 && set < 100 && <span className="bar-mark" style={{ left: `${set}%` }} />}
    </span>
  )
}

function SetLine({ set }: { set: ReplicaSetCell }) {
  return (
    <li>
      <span className="set-revision faint" title={set.name}>
        rev {set.revision}
      </span>
      {set.tags.map((tag) => (
        <Tag key={tag} tag={tag} />
      ))}
      <span className="mono faint ellipsis set-images" title={set.images.join("\n")}>
        {set.images.map(shortImage).join(", ")}
      </span>
      <PlainSquares pods={set.pods} />
    </li>
  )
}

/** Squares that are cheap: hundreds of them are on a wall. */
export function PlainSquares({ pods, most = PODS_SHOWN }: { pods: readonly PodCell[]; most?: number }) {
  const ready = pods.filter((pod) => pod.isReady).length
  return (
    <span className="squares" role="img" aria-label={`${ready} of ${pods.length} ${pods.length === 1 ? "pod" : "pods"} ready`}>
      {pods.slice(0, most).map((pod) => {
        const look = lookOfPod(pod)
        return (
          <span key={pod.name} className="square" data-tone={look.tone} title={podTitle(pod)}>
            {look.sign}
          </span>
        )
      })}
      {pods.length > most && <span className="faint">+{pods.length - most}</span>}
    </span>
  )
}

function podTitle(pod: PodCell): string {
  const restarts = pod.restarts === 0 ? "" : `, ${pod.restarts} ${pod.restarts === 1 ? "restart" : "restarts"}`
  const place = pod.node === "" ? ", not placed" : ` on ${pod.node}`
  return `${pod.name}\n${pod.status}, ${pod.ready} ready${restarts}${place}${pod.problem === "" ? "" : `\n${pod.problem}`}`
}

export function Star({ rolloutKey, isFavourite }: { rolloutKey: string; isFavourite: boolean }) {
  return (
    <button
      type="button"
      className="star"
      aria-pressed={isFavourite}
      aria-label={`Favourite ${rolloutKey}`}
      title={isFavourite ? "No favourite any more" : "Make it a favourite"}
      onClick={() => toggleFavourite(rolloutKey)}
    >
      <span aria-hidden="true">{isFavourite ? "★" : "☆"}</span>
    </button>
  )
}
