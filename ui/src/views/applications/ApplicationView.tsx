import "@/views/applications/applications.css"
import { Checkbox } from "@mantine/core"
import { Fragment, lazy, Suspense, useState } from "react"
import { Link } from "wouter"
import { applicationAction } from "@/api/http"
import { useValue } from "@/api/live"
import type { Action, ApplicationDetail, Condition, OperationState } from "@/api/types"
import { ActionButton } from "@/components/ActionButton"
import { Ago } from "@/components/Ago"
import { CopyText } from "@/components/CopyText"
import { Crumbs } from "@/components/Crumbs"
import { Fact } from "@/components/Facts"
import { Phase } from "@/components/Phase"
import { Empty, Shown } from "@/components/States"
import { WhyPanel } from "@/components/WhyPanel"
import { authorName, isRunning, setPath, shortSha } from "@/lib/applications"
import { useQuery } from "@/lib/search"
import { useTitle } from "@/lib/title"
import { LastSync, States } from "@/views/applications/ApplicationTile"
import { History } from "@/views/applications/History"
import { ResourceTree } from "@/views/applications/ResourceTree"

const ResourceDrawer = lazy(() => import("@/views/applications/ResourceDrawer"))

/** One Application: how it is, why, what is in it, what was deployed. */
export default function ApplicationView({ namespace, name }: { namespace: string; name: string }) {
  const topic = `application/${namespace}/${name}`
  const loaded = useValue<ApplicationDetail>(topic)
  const [last, setLast] = useState<{ topic: string; detail: ApplicationDetail } | null>(null)
  if (loaded.state === "data" && last?.detail !== loaded.value) setLast({ topic, detail: loaded.value })
  const remembered = last?.topic === topic ? last.detail : null
  const isLoaded = loaded.state === "data" || (loaded.state === "missing" && remembered !== null)
  useTitle(name, "Applications")
  return (
    <div className="apps">
      <Crumbs
        items={[
          ["Applications", "/applications"],
          [namespace, `/applications?ns=${encodeURIComponent(namespace)}`],
        ]}
        here={name}
      />
      {!isLoaded && <h1 className="title-alone">{name}</h1>}
      <Shown loaded={loaded} lines={4} missing={remembered === null ? <Missing namespace={namespace} name={name} /> : <Deleted detail={remembered} />}>
        {(detail) => <Detail detail={detail} />}
      </Shown>
    </div>
  )
}

function Missing({ namespace, name }: { namespace: string; name: string }) {
  return (
    <Empty title="There is no such Application">
      <p>
        <span className="mono">
          {namespace}/{name}
        </span>{" "}
        was deleted, or was never there. If it is created again, it appears here by itself.
      </p>
      <Link href="/applications">All Applications</Link>
    </Empty>
  )
}

/** What it was like; nothing can be done any more. */
function Deleted({ detail }: { detail: ApplicationDetail }) {
  return (
    <>
      <div className="app-deleted" role="alert">
        <strong>
          {detail.row.namespace}/{detail.row.name} was deleted.
        </strong>{" "}
        What you see is how it was before. <Link href="/applications">All Applications</Link>
      </div>
      <div className="app-was">
        <Detail detail={{ ...detail, actions: [] }} isGone />
      </div>
    </>
  )
}

function Detail({ detail, isGone = false }: { detail: ApplicationDetail; isGone?: boolean }) {
  const { row } = detail
  const [query, change] = useQuery()
  const resource = query.get("resource") ?? ""
  return (
    <>
      <header className="title">
        <div className="title-words">
          <h1>{row.name}</h1>
          <span className="app-pills">
            <States row={row} size="lg" />
          </span>
          <span className="faint">
            <LastSync row={row} />
          </span>
        </div>
        {detail.actions.length > 0 && (
          <div className="app-actions" role="group" aria-label="Actions">
            {detail.actions.map((action) => (
              <ApplicationAction key={action.name} action={action} namespace={row.namespace} name={row.name} />
            ))}
          </div>
        )}
      </header>
      <div className="app-columns">
        <div className="app-column">
          <WhyPanel why={detail.why} />
          {detail.conditions.length > 0 && <Conditions conditions={detail.conditions} />}
          <ResourceTree nodes={detail.nodes} open={resource} onOpen={isGone ? null : (id) => change({ resource: id, tab: "" }, { push: true })} />
        </div>
        <div className="app-column">
          <Facts detail={detail} />
          {detail.operation !== null && <Operation operation={detail.operation} />}
          <History entries={detail.history} />
        </div>
      </div>
      {resource !== "" && !isGone && (
        <Suspense fallback={null}>
          <ResourceDrawer
            detail={detail}
            id={resource}
            tab={query.get("tab") ?? ""}
            onTab={(tab) => change({ tab })}
            onClose={() => {
              change({ resource: "", tab: "" })
              focusNode(resource)
            }}
          />
        </Suspense>
      )}
    </>
  )
}

/** The row whose drawer was open has the focus again. */
function focusNode(id: string): void {
  setTimeout(() => document.querySelector<HTMLElement>(`[data-node="${CSS.escape(id)}"]`)?.focus())
}

function ApplicationAction({ action, namespace, name }: { action: Action; namespace: string; name: string }) {
  const [prune, setPrune] = useState(false)
  const isSync = action.name === "sync"
  // What only pruning makes dangerous is not dangerous without it.
  const shown = isSync ? { ...action, isDangerous: action.isDangerous && prune } : action
  return (
    <ActionButton
      action={shown}
      run={() => applicationAction(namespace, name, action.name, isSync ? { prune, dryRun: false } : {})}
      onOpen={() => setPrune(false)}
    >
      {isSync && (
        <Checkbox
          className="app-prune"
          label="Prune"
          description="Also delete what git does not have any more."
          checked={prune}
          onChange={(event) => setPrune(event.currentTarget.checked)}
        />
      )}
    </ActionButton>
  )
}

function Conditions({ conditions }: { conditions: readonly Condition[] }) {
  return (
    <section className="card panel" aria-labelledby="conditions">
      <h2 id="conditions">Conditions</h2>
      <ul className="app-plain app-conditions">
        {conditions.map((one, index) => (
          <li key={index} data-tone={one.isError ? "bad" : "hold"}>
            <div className="app-condition-head">
              <strong>
                <span aria-hidden="true">{one.isError ? "✖" : "⚠"} </span>
                {one.type}
              </strong>
              <span className="faint app-small">
                {one.isError ? "error" : "warning"}
                {one.at !== "" && ", "}
                <Ago at={one.at} />
              </span>
            </div>
            {one.file !== "" && (
              <div className="app-small">
                in <CopyText text={one.file} />
              </div>
            )}
            <p>{one.message}</p>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Facts({ detail }: { detail: ApplicationDetail }) {
  const { row } = detail
  return (
    <section className="card panel" aria-labelledby="source">
      <h2 id="source">Source and destination</h2>
      <dl className="facts">
        <Fact name="Repository">
          <CopyText text={row.repo} />
        </Fact>
        <Fact name="Path">
          <code className="app-path">
            <Breakable path={row.path || "."} />
          </code>
        </Fact>
        <Fact name="Target">
          <code>{row.target || "HEAD"}</code>
        </Fact>
        <Fact name="Revision">
          <Revision detail={detail} />
        </Fact>
        <Fact name="Deploys to">
          <code>{row.destinationNamespace || "no namespace"}</code>
        </Fact>
        <Fact name="Auto-sync">{row.isAutomated ? "on, at each commit" : "off, by hand only"}</Fact>
        <Fact name="Project">{row.project}</Fact>
        {row.set !== "" && (
          <Fact name="Made by">
            <Link href={setPath(row.set)}>{row.set}</Link>, an ApplicationSet
          </Fact>
        )}
        <Fact name="Created">
          <Ago at={row.created} />
        </Fact>
        {detail.images.length > 0 && (
          <Fact name={detail.images.length === 1 ? "Image" : "Images"}>
            <ul className="app-plain">
              {detail.images.map((image) => (
                <li key={image}>
                  <code>{image}</code>
                </li>
              ))}
            </ul>
          </Fact>
        )}
      </dl>
    </section>
  )
}

/** May be broken after each folder. */
function Breakable({ path }: { path: string }) {
  return path.split("/").map((folder, index) => (
    <Fragment key={index}>
      {index > 0 && (
        <>
          /<wbr />
        </>
      )}
      {folder}
    </Fragment>
  ))
}

function Revision({ detail }: { detail: ApplicationDetail }) {
  const { commit } = detail.row
  if (commit.sha === "") return <span className="faint">not known yet</span>
  return (
    <>
      <span title={commit.sha}>
        <CopyText text={shortSha(commit.sha)} />
      </span>
      {commit.message !== "" && <div className="app-message">{commit.message}</div>}
      {(commit.author !== "" || commit.date !== "") && (
        <div className="faint app-small">
          {authorName(commit)}
          {commit.author !== "" && commit.date !== "" && ", "}
          <Ago at={commit.date} />
        </div>
      )}
    </>
  )
}

function Operation({ operation }: { operation: OperationState }) {
  const isOn = isRunning(operation.phase)
  const isWell = operation.phase === "Succeeded"
  return (
    <section className="card panel" aria-labelledby="operation">
      <div className="panel-head">
        <h2 id="operation">{isOn ? "Sync under way" : "Last sync"}</h2>
        <Phase phase={operation.phase} />
      </div>
      {operation.message !== "" && <p className={isWell ? "app-message faint" : "app-message"}>{operation.message}</p>}
      <dl className="facts">
        {operation.commit.sha !== "" && (
          <Fact name="Commit">
            <code className="app-sha" title={operation.commit.sha}>
              {shortSha(operation.commit.sha)}
            </code>
          </Fact>
        )}
        {operation.started !== "" && (
          <Fact name="Started">
            <Ago at={operation.started} />
          </Fact>
        )}
        {operation.finished !== "" && (
          <Fact name="Finished">
            <Ago at={operation.finished} />
          </Fact>
        )}
        {operation.initiatedBy !== "" && <Fact name="By">{operation.initiatedBy}</Fact>}
        {operation.retries > 0 && <Fact name="Retries">{operation.retries}</Fact>}
      </dl>
      {operation.results.length > 0 && (
        <details className="app-results" open={!isWell}>
          <summary>
            {operation.results.length} {operation.results.length === 1 ? "result" : "results"}
          </summary>
          <ul className="app-plain">
            {operation.results.map((one, index) => (
              <li key={index}>
                <ResultLine text={one} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  )
}

function ResultLine({ text }: { text: string }) {
  const at = text.indexOf(": ")
  if (at === -1) return <>{text}</>
  return (
    <>
      <strong>{text.slice(0, at)}</strong> <span className="faint">{text.slice(at + 2)}</span>
    </>
  )
}
