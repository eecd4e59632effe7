import { useState } from "react"
import { Link } from "wouter"
import { rolloutAction } from "@/api/http"
import type { Action, ReplicaSetCell, Revision, RolloutDetail, RunPill } from "@/api/types"
import { ActionButton } from "@/components/ActionButton"
import { Ago, useNow } from "@/components/Ago"
import { Phase, Tag } from "@/components/Phase"
import { Squares } from "@/components/Squares"
import { analysisPath, isInUse, left, podPath, rollbackTo } from "@/lib/rollouts"

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
      <div className="revision-head">
        <h3>Revision {revision.revision}</h3>
        {rollback !== null && (
          <ActionButton action={rollback} size="xs" run={() => rolloutAction(namespace, name, rollback.name, { revision: revision.revision })} />
        )}
      </div>
      {revision.replicaSets.map((set) => (
        <SetPart key={set.name} set={set} detail={detail} />
      ))}
      {revision.runs.length > 0 && (
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
      )}
    </article>
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
        <span className="mono set-name">{set.name}</span>
        {set.tags.map((tag) => (
          <Tag key={tag} tag={tag} />
        ))}
        <Phase phase={set.status} />
        <ScaleDown at={set.scaleDownAt} />
      </div>
      <div className="faint small set-facts">
        <span className="mono">{set.images.join(", ")}</span>
        <span className="nowrap">
          {set.available}/{set.replicas} available
        </span>
        <span className="nowrap">
          <Ago at={set.created} />
        </span>
      </div>
      {set.pods.length > 0 && <Squares pods={set.pods} href={(pod) => podPath(namespace, name, pod.name)} />}
    </div>
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
