import { Button, CopyButton, Drawer, Tabs } from "@mantine/core"
import { useEffect, useState } from "react"
import { Link } from "wouter"
import { asApiError, resourceManifests, type ApiError } from "@/api/http"
import type { ApplicationDetail, ResourceManifests, TreeNode } from "@/api/types"
import { Ago } from "@/components/Ago"
import { Phase } from "@/components/Phase"
import { Empty, Loading, Problem } from "@/components/States"
import { changed, yamlParts } from "@/lib/manifestdiff"
import { reference } from "@/lib/tree"
import { DiffView } from "@/views/applications/DiffView"

type Tab = "diff" | "desired" | "live"

/** A resource of an Application: what differs, what git wants, what is there. */
export default function ResourceDrawer({
  detail,
  id,
  tab,
  onTab,
  onClose,
}: {
  detail: ApplicationDetail
  id: string
  tab: string
  onTab: (tab: string) => void
  onClose: () => void
}) {
  const found = reference(id)
  const node = detail.nodes.find((one) => one.id === id)
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size="min(1180px, 100vw)"
      padding="lg"
      closeButtonProps={{ "aria-label": "Close the resource" }}
      title={
        <span className="app-drawer-title">
          <strong>{found?.name ?? id}</strong> <span className="faint">{found?.kind ?? ""}</span>
        </span>
      }
    >
      {node === undefined ? (
        <Empty title="This resource is not part of the Application">
          <p>
            <span className="mono">{id}</span> was deleted, or belongs to something else. If it comes back, it is shown here by itself.
          </p>
        </Empty>
      ) : (
        <Resource detail={detail} node={node} tab={tab} onTab={onTab} />
      )}
    </Drawer>
  )
}

function Resource({ detail, node, tab, onTab }: { detail: ApplicationDetail; node: TreeNode; tab: string; onTab: (tab: string) => void }) {
  const { row } = detail
  // Anything of it that changes may have changed its manifests.
  const version = JSON.stringify([node, row.commit.sha, row.lastSync, row.sync])
  const asked = useManifests(row.namespace, row.name, node, version)
  return (
    <>
      <div className="app-drawer-facts">
        {node.sync !== "" && <Phase phase={node.sync} />}
        {node.health !== "" && <Phase phase={node.health} />}
        {node.needsPrune && <span className="tag">to be pruned</span>}
        {node.info.map((one, index) => (
          <span key={index} className="app-chip">
            {one}
          </span>
        ))}
        <span className="faint app-small">
          {node.group === "" ? "" : `${node.group} · `}
          {node.namespace === "" ? "cluster-wide" : node.namespace}
          {node.created !== "" && " · created "}
          <Ago at={node.created} />
        </span>
        {node.href !== "" && <Link href={node.href}>Open its page</Link>}
      </div>
      {node.healthMessage !== "" && <p className="app-note" data-tone={node.health === "Degraded" ? "bad" : "hold"}>{node.healthMessage}</p>}
      {asked.error !== null ? (
        <Problem problem={asked.error.problem} nextStep={asked.error.nextStep} onRetry={asked.again} />
      ) : asked.manifests === null ? (
        <Loading lines={3} height={60} />
      ) : (
        <Manifests manifests={asked.manifests} node={node} tab={tab} onTab={onTab} />
      )}
    </>
  )
}

function Manifests({ manifests, node, tab, onTab }: { manifests: ResourceManifests; node: TreeNode; tab: string; onTab: (tab: string) => void }) {
  const { added, removed } = changed(manifests.diff)
  const hasDiff = manifests.diff.length > 0 || (manifests.desired !== "" && manifests.live !== "")
  const first: Tab = hasDiff && node.isManaged ? "diff" : manifests.live !== "" ? "live" : "desired"
  const chosen: Tab = tab === "diff" || tab === "desired" || tab === "live" ? tab : first
  return (
    <>
      {manifests.problem !== "" && (
        <p className="app-note" data-tone={node.isManaged ? "hold" : "calm"}>
          {manifests.problem}
        </p>
      )}
      <Tabs value={chosen} onChange={(value) => onTab(value ?? "")} keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="diff" disabled={!hasDiff && chosen !== "diff"}>
            Diff{" "}
            {manifests.isModified && (
              <span className="app-tab-count">
                <span data-tone="ok">+{added}</span> <span data-tone="bad">−{removed}</span>
              </span>
            )}
          </Tabs.Tab>
          <Tabs.Tab value="desired" disabled={manifests.desired === "" && chosen !== "desired"}>
            Desired
          </Tabs.Tab>
          <Tabs.Tab value="live" disabled={manifests.live === "" && chosen !== "live"}>
            Live
          </Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="diff" pt="md">
          {hasDiff ? (
            <DiffView key={node.id} manifests={manifests} />
          ) : (
            <p className="faint">There is nothing to compare. {manifests.problem}</p>
          )}
        </Tabs.Panel>
        <Tabs.Panel value="desired" pt="md">
          <Yaml text={manifests.desired} name="Desired manifest" none="Git does not say what it should be." />
        </Tabs.Panel>
        <Tabs.Panel value="live" pt="md">
          <Yaml text={manifests.live} name="Live manifest" none="It is not in the cluster." />
        </Tabs.Panel>
      </Tabs>
    </>
  )
}

/** A manifest with numbers, and a button that copies it. */
function Yaml({ text, name, none }: { text: string; name: string; none: string }) {
  if (text === "") return <p className="faint">{none}</p>
  return (
    <div className="app-code">
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Button size="compact-sm" variant="default" className="app-copy" onClick={copy}>
            {copied ? "Copied ✔" : "Copy"}
          </Button>
        )}
      </CopyButton>
      <pre tabIndex={0} aria-label={name} role="region">
        {text
          .replace(/\n$/, "")
          .split("\n")
          .map((line, index) => (
            <div key={index} className="app-line">
              <YamlLine text={line} />
            </div>
          ))}
      </pre>
    </div>
  )
}

function YamlLine({ text }: { text: string }) {
  const [before, key, rest] = yamlParts(text)
  return (
    <>
      {before}
      {key !== "" && <span className="app-yaml-key">{key}</span>}
      {rest === "" && key === "" ? " " : rest}
    </>
  )
}

interface Asked {
  readonly manifests: ResourceManifests | null
  readonly error: ApiError | null
  readonly again: () => void
}

/** The manifests, asked for again when `version` changes; what was there stays until the answer comes. */
function useManifests(namespace: string, name: string, node: TreeNode, version: string): Asked {
  const [answer, setAnswer] = useState<{ id: string; manifests: ResourceManifests | null; error: ApiError | null }>({ id: "", manifests: null, error: null })
  const [attempt, setAttempt] = useState(0)
  useEffect(() => {
    const abort = new AbortController()
    const resource = { group: node.group, kind: node.kind, namespace: node.namespace, name: node.name }
    resourceManifests(namespace, name, resource, abort.signal).then(
      (manifests) => setAnswer({ id: node.id, manifests, error: null }),
      (error: unknown) => {
        if (!abort.signal.aborted) setAnswer({ id: node.id, manifests: null, error: asApiError(error) })
      },
    )
    return () => abort.abort()
    // `version` stands for everything about the node.
  }, [namespace, name, node.id, node.group, node.kind, node.namespace, node.name, version, attempt])
  const isIts = answer.id === node.id
  return { manifests: isIts ? answer.manifests : null, error: isIts ? answer.error : null, again: () => setAttempt(attempt + 1) }
}
