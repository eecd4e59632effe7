import { Link } from "wouter"
import type { Revision, RolloutDetail, TrackStep } from "@/api/types"
import { useNow } from "@/components/Ago"
import { Phase, Tag } from "@/components/Phase"
import { instant } from "@/lib/time"
import { lookOf } from "@/lib/phases"
import { analysisPath, endState, left, stepTitle, upNext } from "@/lib/rollouts"

/** Where it stands: the steps of a canary, or the two sides of a blue-green update. isGone: nothing comes any more. */
export function Track({ detail, isGone = false }: { detail: RolloutDetail; isGone?: boolean }) {
  if (detail.row.strategy === "BlueGreen") return <Sides detail={detail} />
  const { row, track } = detail
  return (
    <section className="card panel" aria-labelledby="track" data-testid="track">
      <div className="panel-head">
        <h2 id="track">{track.length === 0 ? "Traffic" : "Steps"}</h2>
        {row.step !== null && (
          <span className="faint">
            {row.step} of {row.steps} done
          </span>
        )}
        {!isGone && <Next detail={detail} />}
      </div>
      {detail.isAborted && (
        <p className="aborted">
          <span aria-hidden="true">✖ </span>
          <strong>Aborted: the new version has {row.actualWeight ?? 0} % of the traffic.</strong>
        </p>
      )}
      {(row.setWeight !== null || row.actualWeight !== null) && <Meter detail={detail} />}
      {track.length > 0 && (
        <ol className="track" aria-label="Steps">
          {track.map((step) => (
            <Step key={step.index} step={step} detail={detail} />
          ))}
          <End detail={detail} />
        </ol>
      )}
    </section>
  )
}

function Next({ detail }: { detail: RolloutDetail }) {
  const text = upNext(detail, useNow())
  return text === "" ? null : <span className="up-next">{text}</span>
}

const WORDS: Readonly<Record<TrackStep["state"], string>> = { done: "Done", current: "Now", next: "Next" }
const SIGNS: Readonly<Record<TrackStep["state"], string>> = { done: "✔", current: "◉", next: "○" }

function Step({ step, detail }: { step: TrackStep; detail: RolloutDetail }) {
  const isHeld = step.state === "current" && detail.row.phase === "Paused"
  const isFailed = detail.isAborted && lookOf(step.runPhase).tone === "bad"
  const word = isFailed ? "Failed" : step.state === "next" ? (detail.isAborted ? "Not done" : "To come") : isHeld ? "Paused" : WORDS[step.state]
  return (
    <li className="step" data-state={isFailed ? "failed" : step.state} data-held={isHeld} aria-current={step.state === "current" ? "step" : undefined}>
      <div className="step-line" aria-hidden="true">
        <span className="step-dot">{isFailed ? "✖" : isHeld ? "‖" : SIGNS[step.state]}</span>
      </div>
      <div className="step-body">
        <div className="step-word">
          {step.index + 1}. {word}
        </div>
        <div className="step-title">{stepTitle(step)}</div>
        <div className="step-says">{step.says}</div>
        {step.ends !== "" && <Countdown ends={step.ends} />}
        {step.run !== "" && (
          <Link href={analysisPath(detail.row.namespace, detail.row.name, step.run)} className="run-pill" title={step.run}>
            <span className="visually-hidden">The analysis: </span>
            <Phase phase={step.runPhase} />
          </Link>
        )}
        {step.details.length > 0 && (
          <ul className="step-details faint">
            {step.details.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        )}
      </div>
    </li>
  )
}

function End({ detail }: { detail: RolloutDetail }) {
  const state = endState(detail)
  const word = state === "next" && detail.isAborted ? "Not reached" : state === "next" ? "To come" : WORDS[state]
  return (
    <li className="step" data-state={state} data-held="false" aria-current={state === "current" ? "step" : undefined}>
      <div className="step-line" aria-hidden="true">
        <span className="step-dot">{SIGNS[state]}</span>
      </div>
      <div className="step-body">
        <div className="step-word">{word}</div>
        <div className="step-title">Promoted</div>
        <div className="step-says">100 %</div>
      </div>
    </li>
  )
}

function Countdown({ ends }: { ends: string }) {
  const now = useNow()
  const isOver = instant(ends) <= now
  return (
    <div className="countdown" role="timer">
      {isOver ? "over any moment" : `${left(ends, now)} left`}
    </div>
  )
}

/** From 0 to 100: what the new version should have, and what it has. */
function Meter({ detail }: { detail: RolloutDetail }) {
  const { row, track } = detail
  const set = row.setWeight
  const actual = row.actualWeight ?? set ?? 0
  const marks = [...new Set(track.flatMap((step) => (step.weight === null ? [] : [step.weight])))].filter((weight) => weight > 0 && weight < 100)
  return (
    <div className="meter">
      <div className="meter-words">
        <span>
          <span className="faint">New version has</span> <strong data-testid="actual-weight">{actual} %</strong>
        </span>
        {set !== null && (
          <span>
            <span className="faint">set to</span> <strong data-testid="set-weight">{set} %</strong>
          </span>
        )}
      </div>
      <div
        className="meter-bar"
        role="meter"
        aria-label="Share of the new version"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={actual}
        aria-valuetext={set === null ? `${actual} %` : `${actual} %, set to ${set} %`}
      >
        <span className="meter-fill" data-done={row.phase === "Healthy"} style={{ width: `${actual}%` }} />
        {marks.map((weight) => (
          <span key={weight} className="meter-tick" style={{ left: `${weight}%` }} />
        ))}
        {set !== null && <span className="meter-set" style={{ left: `${set}%` }} />}
      </div>
      <div className="meter-scale faint" aria-hidden="true">
        <span>0</span>
        {marks
          .filter((weight) => weight > 6 && weight < 88)
          .map((weight) => (
            <span key={weight} style={{ left: `${weight}%` }}>
              {weight}
            </span>
          ))}
        <span>100 %</span>
      </div>
    </div>
  )
}

/** Blue-green: who has the traffic, and who is looked at before it gets it. */
function Sides({ detail }: { detail: RolloutDetail }) {
  const find = (tag: string) => detail.revisions.find((one) => one.replicaSets.some((set) => set.tags.includes(tag)))
  const preview = find("preview")
  const active = find("active")
  return (
    <section className="card panel" aria-labelledby="track" data-testid="track">
      <h2 id="track">Traffic</h2>
      {detail.isAborted && (
        <p className="aborted">
          <span aria-hidden="true">✖ </span>
          <strong>Aborted: the active version keeps the traffic.</strong>
        </p>
      )}
      {active === undefined && preview === undefined && <p className="faint">No version runs yet.</p>}
      <div className="sides">
        {active !== undefined && <Side tag="active" says="has all of the traffic" revision={active} />}
        {preview !== undefined && preview !== active && <Side tag="preview" says="is looked at before it gets it" revision={preview} />}
      </div>
    </section>
  )
}

function Side({ tag, says, revision }: { tag: string; says: string; revision: Revision }) {
  const set = revision.replicaSets.find((one) => one.tags.includes(tag))
  return (
    <div className="side" data-side={tag}>
      <div>
        <Tag tag={tag} /> <span className="faint">{says}</span>
      </div>
      <strong>Revision {revision.revision}</strong>
      {set !== undefined && (
        <>
          <div className="mono">{set.images.join(", ")}</div>
          <div>
            {set.available} of {set.replicas} available
          </div>
        </>
      )}
    </div>
  )
}
