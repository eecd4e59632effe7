import { useState } from "react"
import { Link } from "wouter"
import { rolloutAction } from "@/api/http"
import type { Action, ReplicaSetCell, Revision, RolloutDetail, RunPill } from "@/api/types"
import { ActionButton } from "@/components/ActionButton"
import { Ago, useNow } from "@/components/Ago"
import { Phase, Tag } from "@/components/Phase"
import { Squares } from "@/components/Squares"
import { analysisPath, isInUse, left, podPath, podTroubles, rollbackTo } from "@/lib/rollouts"

const OLD_SHOWN = 3

/** The revisions, newest first, with all that belongs to each. */
export function Revisions({ detail }: { detail: RolloutDetail }) {
  const [areAllShown, setAllShown] = useState(false)
  const used = detail.revisions.filter((one) => isInUse(one) || one.runs.length > 0)
  const kept = new Set([...used, ...detail.revisions.slice(0, OLD_SHOWN)])
  const shown = areAllShown ? detail.revisions : detail.revisions.filter((one) => kept.has(one))
  const hidden = detail.revisions.length - shown.length
  return (
    <section className="card panel" aria-labelledby="revisions" data-testid="revisions">
      <h2 id="revisions">Revisions</h2>
      {detail.revisions.length === 0 && <p className="faint">None was made yet.</p>}
      {shown.map((revision) => (
        <RevisionPart key={revision.revision} revision={revision} detail={detail} />
      ))}
      {hidden > 0 && (
        <button type="button" className="more" onClick={() => setAllShown(true)}>
          Show {hidden} older {hidden === 1 ? "revision" : "revisions"}
        </button>
      )}
    </section>
  )
}

function RevisionPart({ revision, detail }: { revision: Revision; detail: RolloutDetail }) {
  const { namespace, name } = detail.row
  const rollback: Action | null = rollbackTo(revision, detail.actions)
  return (
    <article className="revision" aria-label={`Revision ${revision.revision}`}>
      <h3>Revision {revision.revision}</h3>
      <div className="revision-body">
        {revision.replicaSets.map((set) => (
          <SetPart key={set.name} set={set} detail={detail} />
        ))}
        {revision.runs.length > 0 && <Runs revision={revision} detail={detail} />}
      </div>
      {rollback !== null && (
        <div className="revision-action">
          <ActionButton action={rollback} size="xs" run={() => rolloutAction(namespace, name, rollback.name, { revision: revision.revision })} />
        </div>
      )}
    </article>
  )
}

function Runs({ revision, detail }: { revision: Revision; detail: RolloutDetail }) {
  const { namespace, name } = detail.row
  return (
    <ul className="runs" aria-label={`Analyses of revision ${revision.revision}`}>
      {revision.runs.map((run) => (
        <li key={run.name}>
          <Link href={analysisPath(namespace, name, run.name)} className="run-pill" title={runTitle(run)}>
            <Phase phase={run.phase} label={run.label} />
            <span className="visually-hidden">: {run.phase}</span>
          </Link>
        </li>
      ))}
    </ul>
  )
}

function runTitle(run: RunPill): string {
  const counts = (["successful", "failed", "inconclusive", "error"] as const).filter((name) => run[name] > 0).map((name) => `${run[name]} ${name}`)
  return [`${run.name}: ${run.phase}`, counts.join(", "), run.message].filter((line) => line !== "").join("\n")
}

function SetPart({ set, detail }: { set: ReplicaSetCell; detail: RolloutDetail }) {
  const { namespace, name } = detail.row
  return (
    <div className="set">
      <div className="set-head">
        <span className="mono set-image">{set.images.join(", ")}</span>
        {set.tags.map((tag) => (
          <Tag key={tag} tag={tag} />
        ))}
        <Phase phase={set.status} />
        <ScaleDown at={set.scaleDownAt} />
      </div>
      <div className="faint small set-facts">
        <span className="mono">{set.name}</span>
        <span className="nowrap">
          {set.available}/{set.replicas} available
        </span>
        <span className="nowrap">
          <Ago at={set.created} />
        </span>
      </div>
      {set.pods.length > 0 && <Squares pods={set.pods} href={(pod) => podPath(namespace, name, pod.name)} />}
      <Troubles set={set} detail={detail} />
    </div>
  )
}

/** What is wrong with pods, in words: each trouble once, with a pod that has it. */
function Troubles({ set, detail }: { set: ReplicaSetCell; detail: RolloutDetail }) {
  const troubles = podTroubles(set.pods)
  if (troubles.length === 0) return null
  return (
    <ul className="troubles small" aria-label={`Troubles of ${set.name}`}>
      {troubles.map(({ problem, pods }) => (
        <li key={problem}>
          {problem} <Link href={podPath(detail.row.namespace, detail.row.name, pods[0])}>{pods[0]}</Link>
          {pods.length > 1 && ` and ${pods.length - 1} more`}
        </li>
      ))}
    </ul>
  )
}

function ScaleDown({ at }: { at: string }) {
  const now = useNow()
  return at === "" ? null : (
    <span className="small countdown" role="timer">
      scaled down in {left(at, now)}
    </span>
  )
}
