import { describe, expect, it } from "vitest"
import type { TreeNode } from "@/api/types"
import { attention, branches, choices, foldable, letters, matching, NO_FILTER, reference, size, type Branch } from "@/lib/tree"

function node(id: string, parent = "", change: Partial<TreeNode> = {}): TreeNode {
  const found = reference(id)
  if (found === null) throw new Error(id)
  return {
    id,
    parent,
    ...found,
    sync: parent === "" ? "Synced" : "",
    health: "Healthy",
    healthMessage: "",
    info: [],
    created: "",
    needsPrune: false,
    isManaged: parent === "",
    href: "",
    ...change,
  }
}

const ROLLOUT = "argoproj.io/Rollout/shop/web"
const NEW = "apps/ReplicaSet/shop/web-2"
const OLD = "apps/ReplicaSet/shop/web-1"
const POD = "/Pod/shop/web-2-x"
const NODES = [
  node("/Service/shop/web"),
  node(ROLLOUT),
  node(NEW, ROLLOUT, { info: ["rev:2", "1/1"] }),
  node(OLD, ROLLOUT, { info: ["rev:1", "0/0"] }),
  node(POD, NEW, { health: "Degraded", info: ["CrashLoopBackOff"] }),
]

const outline = (all: readonly Branch[]): unknown[] => all.map((one) => (one.children.length === 0 ? one.node.id : [one.node.id, outline(one.children)]))

describe("the tree", () => {
  it("hangs each below its parent, and puts old revisions aside", () => {
    const tree = branches(NODES)
    expect(outline(tree)).toEqual(["/Service/shop/web", [ROLLOUT, [[NEW, [POD]]]]])
    expect(tree[1]?.old.map((one) => one.node.id)).toEqual([OLD])
    expect(size(tree)).toBe(5)
    expect(foldable(tree)).toEqual([ROLLOUT, NEW])
  })

  it("shows an old ReplicaSet that is not well or still has pods", () => {
    const unwell = branches([node(ROLLOUT), node(OLD, ROLLOUT, { info: ["0/0"], health: "Degraded" })])
    expect(unwell[0]?.old).toEqual([])
    const ending = branches([node(ROLLOUT), node(OLD, ROLLOUT, { info: ["0/0"] }), node(POD, OLD)])
    expect(ending[0]?.old).toEqual([])
  })

  it("loses nothing whose parent is gone, and ends at a circle", () => {
    expect(outline(branches([node(POD, NEW)]))).toEqual([POD])
    expect(size(branches([node(NEW, POD), node(POD, NEW)]))).toBe(2)
    expect(size(branches([node(NEW, NEW)]))).toBe(1)
  })

  it("keeps what is above a match", () => {
    const tree = branches(NODES)
    expect(outline(matching(tree, { ...NO_FILTER, health: "Degraded" }))).toEqual([[ROLLOUT, [[NEW, [POD]]]]])
    expect(outline(matching(tree, { ...NO_FILTER, text: "rev:1 web" }))).toEqual([[ROLLOUT, [OLD]]])
    expect(outline(matching(tree, { ...NO_FILTER, kind: "Service" }))).toEqual(["/Service/shop/web"])
    expect(matching(tree, { ...NO_FILTER, sync: "OutOfSync" })).toEqual([])
  })

  it("offers what is there", () => {
    expect(choices(NODES, "kind")).toEqual(["Pod", "ReplicaSet", "Rollout", "Service"])
    expect(choices(NODES, "sync")).toEqual(["Synced"])
  })

  it("shortens kinds", () => {
    expect([letters("Service"), letters("HorizontalPodAutoscaler"), letters("Widget")]).toEqual(["svc", "hpa", "wi"])
  })

  it("reads ids", () => {
    expect(reference(POD)).toEqual({ group: "", kind: "Pod", namespace: "shop", name: "web-2-x" })
    expect(reference("/Namespace//shop")).toEqual({ group: "", kind: "Namespace", namespace: "", name: "shop" })
    expect(reference("nonsense")).toBeNull()
  })
})

it("counts what somebody should look at, most of it first", () => {
  const nodes = [
    node("/ConfigMap/shop/a", "", { sync: "OutOfSync", health: "Missing" }),
    node("/ConfigMap/shop/b", "", { sync: "OutOfSync", health: "Degraded" }),
    node("/ConfigMap/shop/c", "", { health: "Degraded" }),
    node("/ConfigMap/shop/d"),
  ]
  expect(attention(nodes).map(({ by, word, count }) => `${by} ${word} ${count}`)).toEqual(["sync OutOfSync 2", "health Degraded 2", "health Missing 1"])
  expect(attention([])).toEqual([])
})
