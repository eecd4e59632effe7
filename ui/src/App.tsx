import { lazy, Suspense } from "react"
import { Redirect, Route, Switch } from "wouter"
import { useConnection, useValue } from "@/api/live"
import type { Session } from "@/api/types"
import { Boundary } from "@/components/Boundary"
import { Frame } from "@/components/Frame"
import { Loading } from "@/components/States"
import { Toasts } from "@/components/Toasts"
import { Login } from "@/views/Login"
import { NotFound } from "@/views/NotFound"
import { RolloutsView } from "@/views/rollouts/RolloutsView"

// Loaded when they are opened: the first view must be small.
const RolloutView = lazy(() => import("@/views/rollouts/RolloutView"))
const AnalysisView = lazy(() => import("@/views/analysis/AnalysisView"))
const ApplicationsView = lazy(() => import("@/views/applications/ApplicationsView"))
const ApplicationView = lazy(() => import("@/views/applications/ApplicationView"))
const MetricsRoom = lazy(() => import("@/views/metrics/MetricsRoom"))

export function App() {
  const { connection } = useConnection()
  const session = useValue<Session>("session")
  if (connection === "unauthorized") return <Login />
  return (
    <Toasts>
      <Frame session={session.state === "data" ? session.value : null}>
        <Boundary>
          <Suspense fallback={<Loading />}>
            <Switch>
              <Route path="/">
                <Redirect to="/rollouts" replace />
              </Route>
              <Route path="/login">
                <Redirect to="/rollouts" replace />
              </Route>
              <Route path="/rollouts">
                <RolloutsView />
              </Route>
              <Route path="/rollouts/:namespace/:name/analysis/:run">
                {({ namespace, name, run }) => <AnalysisView namespace={namespace} name={name} run={run} />}
              </Route>
              <Route path="/rollouts/:namespace/:name/pods/:pod">
                {({ namespace, name, pod }) => <RolloutView namespace={namespace} name={name} pod={pod} />}
              </Route>
              <Route path="/rollouts/:namespace/:name">
                {({ namespace, name }) => <RolloutView namespace={namespace} name={name} pod="" />}
              </Route>
              <Route path="/applications">
                <ApplicationsView tab="applications" />
              </Route>
              <Route path="/applicationsets">
                <ApplicationsView tab="applicationsets" />
              </Route>
              <Route path="/applications/:namespace/:name">
                {({ namespace, name }) => <ApplicationView namespace={namespace} name={name} />}
              </Route>
              <Route path="/:room">{({ room }) => <MetricsRoom room={room} />}</Route>
              <Route>
                <NotFound />
              </Route>
            </Switch>
          </Suspense>
        </Boundary>
      </Frame>
    </Toasts>
  )
}
