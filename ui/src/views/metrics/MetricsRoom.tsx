import "./metrics.css"
import { Suspense, lazy } from "react"
import { Link, Redirect, useSearch } from "wouter"
import { useValue } from "@/api/live"
import type { Session } from "@/api/types"
import { Empty, Loading } from "@/components/States"
import { useTitle } from "@/lib/title"
import { NotFound } from "@/views/NotFound"
import { QueryView } from "@/views/metrics/QueryView"

const TargetsView = lazy(() => import("@/views/metrics/TargetsView"))
const ServiceDiscoveryView = lazy(() => import("@/views/metrics/ServiceDiscoveryView"))
const RulesView = lazy(() => import("@/views/metrics/RulesView"))
const AlertsView = lazy(() => import("@/views/metrics/AlertsView"))
const StatusView = lazy(() => import("@/views/metrics/StatusView"))

const PAGES = [
  ["query", "Query"],
  ["targets", "Targets"],
  ["service-discovery", "Service discovery"],
  ["rules", "Rules"],
  ["alerts", "Alerts"],
  ["status", "Status"],
] as const

/** Everything about metrics, under Prometheus' own paths. */
export default function MetricsRoom({ room }: { room: string }) {
  const session = useValue<Session>("session")
  const search = useSearch()
  useTitle(PAGES.find(([path]) => path === room)?.[1] ?? "", "Metrics")
  if (room === "graph" || room === "metrics") return <Redirect to={search === "" ? "/query" : `/query?${search}`} replace />
  if (!PAGES.some(([path]) => path === room)) return <NotFound />
  const isWithout = session.state === "data" && !session.value.hasMetrics
  return (
    <div className="metrics">
      <nav className="metrics-tabs" aria-label="Metrics">
        {PAGES.map(([path, name]) => (
          <Link key={path} href={`/${path}`} className="metrics-tab" aria-current={path === room ? "page" : undefined}>
            {name}
          </Link>
        ))}
      </nav>
      {isWithout ? (
        <Empty title="There are no metrics here">
          <p>{session.value.metricsProblem || "The session knows of no Prometheus."}</p>
        </Empty>
      ) : (
        <Suspense fallback={<Loading />}>
          <Page room={room} />
        </Suspense>
      )}
    </div>
  )
}

function Page({ room }: { room: string }) {
  switch (room) {
    case "targets":
      return <TargetsView />
    case "service-discovery":
      return <ServiceDiscoveryView />
    case "rules":
      return <RulesView />
    case "alerts":
      return <AlertsView />
    case "status":
      return <StatusView />
    default:
      return <QueryView />
  }
}
