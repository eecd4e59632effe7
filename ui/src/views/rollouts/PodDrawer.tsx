import "@/views/rollouts/pods.css"
import { Drawer, Tabs } from "@mantine/core"
import { lazy, Suspense, useState } from "react"
import { useValue, type Loaded } from "@/api/live"
import type { ContainerState, EventRow, PodDetail } from "@/api/types"
import { Ago } from "@/components/Ago"
import { Fact } from "@/components/Facts"
import { Phase } from "@/components/Phase"
import { Empty, Loading, Problem } from "@/components/States"
import { lookOfPod } from "@/lib/phases"
import { useQuery } from "@/lib/search"
import { EventLine } from "@/views/rollouts/Events"

const LogView = lazy(() => import("@/views/rollouts/LogView"))

/** A pod beside its Rollout: how it is, and its log. A pod that goes away stays readable. */
export default function PodDrawer({ namespace, pod, onClose }: { namespace: string; name: string; pod: string; onClose: () => void }) {
  const topic = `pod/${namespace}/${pod}`
  const loaded = useValue<PodDetail>(topic)
  const [last, setLast] = useState<{ topic: string; detail: PodDetail } | null>(null)
  if (loaded.state === "data" && last?.detail !== loaded.value) setLast({ topic, detail: loaded.value })
  const detail = last?.topic === topic ? last.detail : null
  const isGone = loaded.state === "missing"
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size="min(860px, 100vw)"
      title={<Title pod={pod} detail={detail} isGone={isGone} />}
      closeButtonProps={{ "aria-label": "Close" }}
      classNames={{ content: "pod-drawer", body: "pod-body", title: "pod-title" }}
      transitionProps={{ duration: 120 }}
    >
      {detail === null ? <Nothing loaded={loaded} namespace={namespace} pod={pod} /> : <Pod detail={detail} isGone={isGone} />}
    </Drawer>
  )
}

function Title({ pod, detail, isGone }: { pod: string; detail: PodDetail | null; isGone: boolean }) {
  return (
    <>
      <span>{pod}</span>
      {detail !== null && (isGone ? <Phase phase="Missing" label="Gone" /> : <PodPhase detail={detail} />)}
    </>
  )
}

function PodPhase({ detail }: { detail: PodDetail }) {
  const look = lookOfPod(detail.cell)
  return (
    <span className="phase" data-tone={look.tone}>
      <span className="sign" aria-hidden="true">
        {look.sign}
      </span>
      {detail.cell.status}
      {detail.cell.status === "Running" && !detail.cell.isReady && ", not ready"}
    </span>
  )
}

function Nothing({ loaded, namespace, pod }: { loaded: Loaded<PodDetail>; namespace: string; pod: string }) {
  switch (loaded.state) {
    case "missing":
      return (
        <Empty title="There is no such pod">
          <p>
            <span className="mono">
              {namespace}/{pod}
            </span>{" "}
            was deleted, or was never there. Its ReplicaSet may have another one in its place.
          </p>
        </Empty>
      )
    case "problem":
      return <Problem problem={loaded.problem} nextStep={loaded.nextStep} />
    case "loading":
    case "data":
      return <Loading lines={3} />
  }
}

function Pod({ detail, isGone }: { detail: PodDetail; isGone: boolean }) {
  const [query, change] = useQuery()
  const tab = query.get("tab") === "logs" ? "logs" : "summary"
  return (
    <>
      {isGone && (
        <p className="pod-gone" role="status">
          <strong>This pod is gone.</strong> What you see is how it was, with the log that had come.
        </p>
      )}
      {detail.cell.problem !== "" && (
        <p className="pod-problem">
          <span aria-hidden="true">⚠</span> <span>{detail.cell.problem}</span>
        </p>
      )}
      <Tabs value={tab} onChange={(value) => change({ tab: value === "logs" ? "logs" : "" })} className="pod-tabs" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="summary">Summary</Tabs.Tab>
          <Tabs.Tab value="logs">Logs</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="summary" className="pod-summary">
          <Summary detail={detail} />
        </Tabs.Panel>
        <Tabs.Panel value="logs" className="pod-logs">
          <Suspense fallback={<Loading lines={1} height={300} />}>
            <LogView namespace={detail.namespace} pod={detail.name} containers={detail.containers} isGone={isGone} />
          </Suspense>
        </Tabs.Panel>
      </Tabs>
    </>
  )
}

function Summary({ detail }: { detail: PodDetail }) {
  const { cell } = detail
  return (
    <>
      <dl className="pod-facts">
        <Fact name="Phase">{detail.phase || "Unknown"}</Fact>
        <Fact name="Ready">{cell.ready}</Fact>
        <Fact name="Restarts">{cell.restarts}</Fact>
        <Fact name="Age">
          <Ago at={cell.created} bare />
        </Fact>
        <Fact name="Node">{cell.node || "not placed yet"}</Fact>
        <Fact name="IP">{detail.ip === "" ? "none yet" : <span className="mono">{detail.ip}</span>}</Fact>
        <Fact name="Owner" isWide>
          {detail.owner === "" ? "none" : <span className="mono">{detail.owner}</span>}
        </Fact>
        <Fact name="Namespace" isWide>
          <span className="mono">{detail.namespace}</span>
        </Fact>
      </dl>
      <section aria-labelledby="containers">
        <h3 id="containers">Containers</h3>
        <ul className="containers">
          {detail.containers.map((container) => (
            <ContainerCard key={container.name} container={container} />
          ))}
        </ul>
      </section>
      <section aria-labelledby="conditions">
        <h3 id="conditions">Conditions</h3>
        {detail.conditions.length === 0 ? (
          <p className="faint">None yet.</p>
        ) : (
          <ul className="pod-conditions">
            {detail.conditions.map((condition) => (
              <Condition key={condition} text={condition} />
            ))}
          </ul>
        )}
      </section>
      <section aria-label="Events of the pod">
        <h3>Events</h3>
        <PodEvents events={detail.events} />
      </section>
    </>
  )
}

const STATES: Readonly<Record<string, string>> = { Running: "Healthy", Waiting: "Pending", Ended: "ScaledDown" }

function ContainerCard({ container }: { container: ContainerState }) {
  const word = /^\w+/.exec(container.state)?.[0] ?? ""
  const isBad = /CrashLoop|Err|Back|Fail|Kill|exited with code [1-9]/.test(container.state)
  const phase = isBad ? "Degraded" : word === "Running" && !container.isReady && !container.isInit ? "Paused" : (STATES[word] ?? "")
  return (
    <li className="card container-card">
      <div className="container-head">
        <strong>{container.name}</strong>
        {container.isInit && <span className="tag">init</span>}
        <Phase phase={phase} label={word === "Running" ? (container.isReady ? "Running, ready" : "Running, not ready") : word || "Unknown"} />
        <span className="faint container-restarts">
          {container.restarts} {container.restarts === 1 ? "restart" : "restarts"}
        </span>
      </div>
      <dl className="container-facts">
        <Fact name="Image">
          <span className="mono">{container.image}</span>
        </Fact>
        <Fact name="State"><Timed text={container.state} /></Fact>
        {container.last !== "" && <Fact name="Before"><Timed text={container.last} /></Fact>}
        {container.probes.length > 0 && (
          <Fact name="Probes">
            <ul className="probes">
              {container.probes.map((probe) => (
                <li key={probe}>{probe}</li>
              ))}
            </ul>
          </Fact>
        )}
      </dl>
    </li>
  )
}

/** A text in which times are told as how long ago they were. */
function Timed({ text }: { text: string }) {
  return text.split(/((?:since |at )?\d{4}-\d\d-\d\dT[\d:.]+Z)/).map((part, index) => {
    if (index % 2 === 0) return part
    const at = part.slice(part.lastIndexOf(" ") + 1)
    return part.startsWith("since ") ? (
      <span key={index}>
        for <Ago at={at} bare />
      </span>
    ) : (
      <Ago key={index} at={at} />
    )
  })
}

/** `Ready=False: ContainersNotReady: …` */
function Condition({ text }: { text: string }) {
  const [, type = text, status = "", rest = ""] = /^([^=:]*)=(\w+)(?::\s*([^]*))?$/.exec(text) ?? []
  const phase = status === "True" ? "met" : status === "False" ? "broken" : "open"
  return (
    <li>
      <Phase phase={phase} label={status || "Unknown"} />
      <span>
        {type}
        {rest !== "" && <span className="faint"> {rest}</span>}
      </span>
    </li>
  )
}

function PodEvents({ events }: { events: readonly EventRow[] }) {
  if (events.length === 0) return <p className="faint">Nothing happened lately; Kubernetes forgets events after an hour.</p>
  return (
    <ul className="card pod-events">
      {events.map((event) => (
        <EventLine key={event.key} event={event} />
      ))}
    </ul>
  )
}
