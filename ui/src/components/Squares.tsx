import { Tooltip } from "@mantine/core"
import type { Ref } from "react"
import { Link } from "wouter"
import type { PodCell } from "@/api/types"
import { Ago } from "@/components/Ago"
import { lookOfPod } from "@/lib/phases"

/** A square per pod: hovering tells how it is, a click opens it. `href` leads to a pod's page; none: not clickable. */
export function Squares({ pods, href }: { pods: readonly PodCell[]; href?: (pod: PodCell) => string }) {
  return (
    <span className="squares">
      {pods.map((pod) => (
        <Tooltip key={pod.name} label={<PodSummary pod={pod} />} multiline maw={380} withArrow events={{ hover: true, focus: true, touch: false }}>
          {href === undefined ? <Square pod={pod} /> : <Square pod={pod} href={href(pod)} />}
        </Tooltip>
      ))}
    </span>
  )
}

/** `rest` is what a Tooltip gives the element it is about. */
function Square({ pod, href, ...rest }: { pod: PodCell; href?: string; ref?: Ref<never> }) {
  const look = lookOfPod(pod)
  const label = `Pod ${pod.name}: ${pod.status}, ${pod.ready} ready`
  // Last: a Tooltip brings a class of its own.
  const shared = { "data-tone": look.tone, "aria-label": label, ...rest, className: "square" }
  if (href === undefined) {
    return (
      <span role="img" {...shared}>
        {look.sign}
      </span>
    )
  }
  return (
    <Link href={href} {...shared}>
      <span aria-hidden="true">{look.sign}</span>
    </Link>
  )
}

function PodSummary({ pod }: { pod: PodCell }) {
  return (
    <div style={{ overflowWrap: "anywhere" }}>
      <div>
        <strong>{pod.name}</strong>
      </div>
      <div>
        {pod.status} · {pod.ready} ready · {pod.restarts} {pod.restarts === 1 ? "restart" : "restarts"} · {pod.node || "not placed"} ·{" "}
        <Ago at={pod.created} bare />
      </div>
      {pod.problem !== "" && <div style={{ marginTop: 4 }}>{pod.problem}</div>}
    </div>
  )
}
