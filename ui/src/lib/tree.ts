/** The resources of an Application as a tree: who hangs below whom, what is folded, what a filter leaves. Pure. */

import type { TreeNode } from "@/api/types"

export interface Branch {
  readonly node: TreeNode
  readonly children: readonly Branch[]
  /** ReplicaSets of former revisions that run nothing; shown only when they are asked for. */
  readonly old: readonly Branch[]
}

/** What is looked for; an empty text means any. */
export interface TreeFilter {
  readonly text: string
  readonly kind: string
  readonly health: string
  readonly sync: string
}

export const NO_FILTER: TreeFilter = { text: "", kind: "", health: "", sync: "" }

/** Whether anything is looked for. */
export function isFiltering(filter: TreeFilter): boolean {
  return filter.text.trim() !== "" || filter.kind !== "" || filter.health !== "" || filter.sync !== ""
}

/** The tree. What hangs below something that is not there is at the top; a circle is broken. */
export function branches(nodes: readonly TreeNode[]): readonly Branch[] {
  const ids = new Set(nodes.map((node) => node.id))
  const below = new Map<string, TreeNode[]>()
  for (const node of nodes) {
    const parent = ids.has(node.parent) && node.parent !== node.id ? node.parent : ""
    below.set(parent, [...(below.get(parent) ?? []), node])
  }
  const seen = new Set<string>()
  const grow = (node: TreeNode): Branch => {
    seen.add(node.id)
    const children = (below.get(node.id) ?? []).filter((child) => !seen.has(child.id)).map(grow)
    return { node, children: children.filter((one) => !isOld(one)), old: children.filter(isOld) }
  }
  const roots = (below.get("") ?? []).map(grow)
  return [...roots, ...nodes.filter((node) => !seen.has(node.id)).map((node) => (seen.has(node.id) ? null : grow(node))).filter((one) => one !== null)]
}

function isOld(branch: Branch): boolean {
  const { kind, info, health } = branch.node
  const isCalm = health === "" || health === "Healthy"
  return kind === "ReplicaSet" && isCalm && branch.children.length === 0 && info.some((one) => /^0\/0$/.test(one))
}

/** What matches, with everything above it; nothing is folded then. */
export function matching(all: readonly Branch[], filter: TreeFilter): readonly Branch[] {
  return all.flatMap((branch) => {
    const children = matching([...branch.children, ...branch.old], filter)
    return children.length > 0 || isMatch(branch.node, filter) ? [{ node: branch.node, children, old: [] }] : []
  })
}

function isMatch(node: TreeNode, filter: TreeFilter): boolean {
  const words = filter.text.toLowerCase().split(/\s+/).filter((one) => one !== "")
  const text = [node.kind, node.namespace, node.name, ...node.info].join(" ").toLowerCase()
  return (
    words.every((one) => text.includes(one)) &&
    (filter.kind === "" || node.kind === filter.kind) &&
    (filter.health === "" || node.health === filter.health) &&
    (filter.sync === "" || node.sync === filter.sync)
  )
}

/** How many resources are in it, those that are folded too. */
export function size(all: readonly Branch[]): number {
  return all.reduce((sum, branch) => sum + 1 + size(branch.children) + size(branch.old), 0)
}

/** What can be chosen: every word that is there, once, in order. */
export function choices(nodes: readonly TreeNode[], of: "kind" | "health" | "sync"): string[] {
  return [...new Set(nodes.map((node) => node[of]).filter((one) => one !== ""))].sort()
}

export interface Concern {
  readonly by: "sync" | "health"
  readonly word: string
  readonly count: number
}

const CALM: ReadonlySet<string> = new Set(["", "Healthy", "Synced"])

/** The states that somebody should look at and how many resources are in each, most of them first. */
export function attention(nodes: readonly TreeNode[]): readonly Concern[] {
  return (["sync", "health"] as const).flatMap((by) =>
    choices(nodes, by)
      .filter((word) => !CALM.has(word))
      .map((word) => ({ by, word, count: nodes.filter((node) => node[by] === word).length }))
      .sort((a, b) => b.count - a.count),
  )
}

/** The ids of everything that can be folded. */
export function foldable(all: readonly Branch[]): string[] {
  return all.flatMap((branch) => (branch.children.length + branch.old.length === 0 ? [] : [branch.node.id, ...foldable(branch.children)]))
}

const LETTERS: Readonly<Record<string, string>> = {
  AnalysisRun: "ar",
  AnalysisTemplate: "at",
  Application: "app",
  ConfigMap: "cm",
  Deployment: "dp",
  EndpointSlice: "eps",
  Endpoints: "ep",
  Ingress: "ing",
  Job: "job",
  Namespace: "ns",
  Pod: "pod",
  ReplicaSet: "rs",
  Rollout: "ro",
  Secret: "sec",
  Service: "svc",
  ServiceAccount: "sa",
  StatefulSet: "sts",
}

/** A kind in three letters at most, as kubectl shortens it where it does. */
export function letters(kind: string): string {
  const capitals = kind.replace(/[^A-Z]/g, "").slice(0, 3).toLowerCase()
  return LETTERS[kind] ?? (capitals.length > 1 ? capitals : kind.slice(0, 2).toLowerCase())
}

/** The parts of a node's id, `group/kind/namespace/name`; null for what is none. */
export function reference(id: string): { group: string; kind: string; namespace: string; name: string } | null {
  const [group, kind, namespace, ...name] = id.split("/")
  if (group === undefined || !kind || namespace === undefined || name.join("/") === "") return null
  return { group, kind, namespace, name: name.join("/") }
}
