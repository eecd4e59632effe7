import "@/views/rollouts/rollouts.css"
import { lazy, Suspense, useState } from "react"
import { Link, useLocation } from "wouter"
import { useValue } from "@/api/live"
import type { RolloutDetail } from "@/api/types"
import { Ago } from "@/components/Ago"
import { Crumbs } from "@/components/Crumbs"
import { Phase } from "@/components/Phase"
import { Empty, Loading, Shown } from "@/components/States"
import { WhyPanel } from "@/components/WhyPanel"
import { rolloutPath, rolloutsPath } from "@/lib/rollouts"
import { useTitle } from "@/lib/title"
import { Events } from "@/views/rollouts/Events"
import { Revisions } from "@/views/rollouts/Revisions"
import { RolloutActions } from "@/views/rollouts/RolloutActions"
import { Summary } from "@/views/rollouts/Summary"
import { Track } from "@/views/rollouts/Track"

const Timeline = lazy(() => import("@/views/rollouts/Timeline"))
const PodDrawer = lazy(() => import("@/views/rollouts/PodDrawer"))

/** One Rollout. pod: whose drawer is open; empty for none. */
export default function RolloutView({ namespace, name, pod }: { namespace: string; name: string; pod: string }) {
  const topic = `rollout/${namespace}/${name}`
  const loaded = useValue<RolloutDetail>(topic)
  const [last, setLast] = useState<{ topic: string; detail: RolloutDetail } | null>(null)
  const [, navigate] = useLocation()
  useTitle(pod, name, namespace)
  if (loaded.state === "data" && last?.detail !== loaded.value) setLast({ topic, detail: loaded.value })
  const remembered = last?.topic === topic ? last.detail : null
  return (
    <>
      <Crumbs
        items={[
          ["Rollouts", "/rollouts"],
          [namespace, rolloutsPath(namespace)],
        ]}
        here={name}
      />
      {(loaded.state === "loading" || loaded.state === "problem") && <h1 className="title-alone">{name}</h1>}
      <Shown loaded={loaded} lines={5} missing={remembered === null ? <Missing namespace={namespace} name={name} /> : <Deleted detail={remembered} />}>
        {(detail) => <Detail detail={detail} />}
      </Shown>
      {pod !== "" && (
        <Suspense fallback={null}>
          <PodDrawer namespace={namespace} name={name} pod={pod} onClose={() => navigate(rolloutPath(namespace, name))} />
        </Suspense>
      )}
    </>
  )
}

function Missing({ namespace, name }: { namespace: string; name: string }) {
  return (
    <>
      <h1 className="title-alone">{name}</h1>
      <Empty title="There is no such Rollout">
        <p>
          <span className="mono">
            {namespace}/{name}
          </span>{" "}
          was deleted, or was never there. If it is created again, it appears here by itself.
        </p>
        <Link href="/rollouts">All Rollouts</Link>
      </Empty>
    </>
  )
}

/** What it was like; nothing can be done any more. */
function Deleted({ detail }: { detail: RolloutDetail }) {
  return (
    <>
      <div className="deleted" role="alert">
        <strong>
          {detail.row.namespace}/{detail.row.name} was deleted.
        </strong>{" "}
        What you see is how it was before. <Link href="/rollouts">All Rollouts</Link>
      </div>
      <div className="was">
        <Detail detail={{ ...detail, actions: [], track: detail.track.map((step) => ({ ...step, ends: "" })) }} isGone />
      </div>
    </>
  )
}

function Detail({ detail, isGone = false }: { detail: RolloutDetail; isGone?: boolean }) {
  const { row } = detail
  return (
    <>
      <header className="title">
        <div className="title-words">
          <h1>{row.name}</h1>
          <Phase phase={row.phase} size="lg" />
          {row.since !== "" && (
            <span className="faint nowrap">
              for <Ago at={row.since} bare />
            </span>
          )}
        </div>
        <RolloutActions detail={detail} />
      </header>
      <div className="rollout-columns">
        <div className="rollout-column">
          <WhyPanel why={detail.why} />
          <Track detail={detail} isGone={isGone} />
          <Revisions detail={detail} />
        </div>
        <div className="rollout-column rollout-side">
          <Summary detail={detail} />
          <Events events={detail.events} rollout={row.name} />
        </div>
      </div>
      {!isGone && (
        <div className="rollout-wide">
          <Suspense fallback={<Loading lines={1} height={220} />}>
            <Timeline namespace={row.namespace} name={row.name} />
          </Suspense>
        </div>
      )}
    </>
  )
}
