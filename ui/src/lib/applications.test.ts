import { describe, expect, it } from "vitest"
import type { ApplicationRow, ApplicationSetRow } from "@/api/types"
import { applicationPath, authorName, causeWords, healthWords, narrowed, narrowedSets, parts, problemWords, shortPath, shortRepo, shortSha, switchedWords, toneOf } from "@/lib/applications"
import { terms } from "@/lib/filter"

function app(name: string, change: Partial<ApplicationRow> = {}): ApplicationRow {
  return {
    key: `argocd/${name}`,
    namespace: "argocd",
    name,
    labels: {},
    project: "default",
    sync: "Synced",
    health: "Healthy",
    healthMessage: "",
    operation: "Succeeded",
    problem: "",
    repo: "https://github.com/acme/shop.git",
    path: "overlays/prod",
    target: "HEAD",
    destinationNamespace: "shop",
    isAutomated: true,
    commit: { sha: "", message: "", author: "", date: "" },
    lastSync: "",
    set: "",
    created: "",
    ...change,
  }
}

const ANY = { namespace: "", terms: [], sync: new Set<string>(), health: new Set<string>() }
const names = (rows: readonly { name: string }[]) => rows.map((row) => row.name)

describe("the list of Applications", () => {
  it("begins with trouble", () => {
    const all = [
      app("a-well"),
      app("b-drifted", { sync: "OutOfSync" }),
      app("c-progressing", { health: "Progressing" }),
      app("d-degraded", { health: "Degraded" }),
      app("e-unknown", { sync: "Unknown" }),
      app("f-failed", { operation: "Failed" }),
      app("g-broken", { problem: "rpc error" }),
    ]
    expect(names(narrowed(all, ANY).rows)).toEqual(["d-degraded", "g-broken", "f-failed", "e-unknown", "b-drifted", "c-progressing", "a-well"])
  })

  it("is narrowed to the namespace of an Application or of what it deploys", () => {
    const all = [app("a"), app("b", { destinationNamespace: "blog" }), app("c", { namespace: "blog", destinationNamespace: "x" })]
    const shown = narrowed(all, { ...ANY, namespace: "blog" })
    expect(names(shown.rows)).toEqual(["b", "c"])
    expect(shown.total).toBe(2)
  })

  it("counts what the search finds, whatever else is chosen", () => {
    const all = [app("web-1"), app("web-2", { sync: "OutOfSync", health: "Missing" }), app("api", { sync: "OutOfSync" })]
    const shown = narrowed(all, { ...ANY, terms: terms("web"), sync: new Set(["OutOfSync"]), health: new Set(["Degraded"]) })
    expect(shown.rows).toEqual([])
    expect(shown.sync).toEqual([
      ["OutOfSync", 1],
      ["Synced", 1],
    ])
    expect(shown.health).toEqual([
      ["Degraded", 0],
      ["Missing", 1],
      ["Healthy", 1],
    ])
  })

  it("is narrowed by sync and by health together", () => {
    const all = [app("a", { sync: "OutOfSync" }), app("b", { sync: "OutOfSync", health: "Degraded" }), app("c", { health: "Degraded" })]
    const shown = narrowed(all, { ...ANY, sync: new Set(["OutOfSync"]), health: new Set(["Degraded"]) })
    expect(names(shown.rows)).toEqual(["b"])
  })
})

describe("the list of ApplicationSets", () => {
  const set = (name: string, applications: string[], conditions: string[] = []): ApplicationSetRow => ({
    key: `argocd/${name}`,
    namespace: "argocd",
    name,
    applications,
    generators: [],
    conditions,
    created: "",
  })
  const known = new Map([app("bad", { health: "Degraded", destinationNamespace: "blog" }), app("good")].map((row) => [row.key, row]))

  it("begins with trouble of a set, then of its Applications", () => {
    const all = [set("a", ["argocd/good"]), set("b", ["argocd/bad"]), set("c", [], ["ErrorOccurred: no"]), set("d", [])]
    expect(names(narrowedSets(all, known, ANY))).toEqual(["c", "b", "a", "d"])
  })

  it("has the sets that deploy into a namespace", () => {
    const all = [set("a", ["argocd/good"]), set("b", ["argocd/bad"])]
    expect(names(narrowedSets(all, known, { ...ANY, namespace: "blog" }))).toEqual(["b"])
  })
})

describe("how things are written", () => {
  it.each([
    ["https://github.com/acme/shop.git", "acme/shop"],
    ["git@github.com:acme/shop.git", "acme/shop"],
    ["/srv/shop.git", "srv/shop"],
    ["", ""],
  ])("the repository %s is %s", (repo, short) => expect(shortRepo(repo)).toBe(short))

  it("a long path keeps its end", () => {
    expect(shortPath("overlays/prod")).toBe("overlays/prod")
    expect(shortPath("adventures/01-echoes/intermediate/manifests/overlays/prod", 30)).toBe("…/manifests/overlays/prod")
  })

  it("an author is known by name", () => {
    expect(authorName({ author: "Ann Lee <ann@example.com>" })).toBe("Ann Lee")
    expect(authorName({ author: "<ann@example.com>" })).toBe("<ann@example.com>")
  })

  it("a commit is short, a version is whole", () => {
    expect(shortSha("9be1ebcaee2efdeb3e3d1f5ec70f6b4849471a59")).toBe("9be1ebc")
    expect(shortSha("1.2.3-rc.1")).toBe("1.2.3-rc.1")
  })

  it("keys and paths", () => {
    expect(parts("argocd/shop")).toEqual(["argocd", "shop"])
    expect(applicationPath("a b", "c")).toBe("/applications/a%20b/c")
    expect(switchedWords(new Set(["A", "B"]), "A")).toBe("B")
    expect(switchedWords(new Set(["A"]), "B")).toBe("A,B")
  })

  it("the colour of the whole is that of its worst", () => {
    expect(toneOf(app("a"))).toBe("ok")
    expect(toneOf(app("a", { sync: "OutOfSync" }))).toBe("hold")
    expect(toneOf(app("a", { health: "Missing", operation: "" }))).toBe("hold")
    expect(toneOf(app("a", { health: "Missing", operation: "Failed" }))).toBe("bad")
    expect(toneOf(app("a", { sync: "OutOfSync", health: "Degraded" }))).toBe("bad")
    expect(healthWords([app("a"), app("b", { health: "Degraded" }), app("c")])).toBe("1 Degraded, 2 Healthy")
  })
})

describe("causeWords", () => {
  it("leaves out groups and namespaces", () => {
    expect(causeWords("Caused by argoproj.io/Rollout:shop/web")).toBe("Because of Rollout/web")
    expect(causeWords("Caused by ConfigMap:shop/a, Namespace:shop and 2 more")).toBe("Because of ConfigMap/a, Namespace/shop and 2 more")
  })

  it("leaves other messages as they are", () => {
    expect(causeWords("it waits: for:me")).toBe("it waits: for:me")
  })
})

it("leaves out how each problem of rendering begins", () => {
  expect(problemWords("Failed to load target state: failed to generate manifest for source 1 of 1: a.yaml:5:1: not YAML")).toBe("a.yaml:5:1: not YAML")
  expect(problemWords("the project is gone")).toBe("the project is gone")
})
