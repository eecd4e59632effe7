/** What the lists of Applications and ApplicationSets show, in which order, and how its parts are written. Pure. */

import type { ApplicationRow, ApplicationSetRow, Commit } from "@/api/types"
import { isFound, type Term } from "@/lib/filter"
import { ALL } from "@/lib/namespace"
import type { Tone } from "@/lib/phases"

/** What a list is narrowed to; an empty set of words means any. */
export interface Narrowed {
  readonly namespace: string
  readonly terms: readonly Term[]
  readonly sync: ReadonlySet<string>
  readonly health: ReadonlySet<string>
}

export interface Shown {
  readonly rows: readonly ApplicationRow[]
  /** How many there are in the namespace. */
  readonly total: number
  readonly sync: readonly Count[]
  readonly health: readonly Count[]
}

export type Count = readonly [word: string, count: number]

const SYNC_ORDER = ["OutOfSync", "Unknown", "Synced"]
const HEALTH_ORDER = ["Degraded", "Missing", "Unknown", "Progressing", "Suspended", "Healthy"]

/** What is shown, trouble first, and how many there are of each state among what the search finds. */
export function narrowed(all: readonly ApplicationRow[], by: Narrowed): Shown {
  const inside = all.filter((row) => isInNamespace(row, by.namespace))
  const found = inside.filter((row) => isFound(row, by.terms))
  const rows = found
    .filter((row) => isWanted(by.sync, row.sync) && isWanted(by.health, row.health))
    .sort((a, b) => trouble(a) - trouble(b) || compare(a.name, b.name) || compare(a.namespace, b.namespace))
  return {
    rows,
    total: inside.length,
    sync: counts(found.map((row) => word(row.sync)), SYNC_ORDER, by.sync),
    health: counts(found.map((row) => word(row.health)), HEALTH_ORDER, by.health),
  }
}

/** An Application belongs to its own namespace and to the one it deploys into. */
export function isInNamespace(row: Pick<ApplicationRow, "namespace" | "destinationNamespace">, namespace: string): boolean {
  return namespace === ALL || row.namespace === namespace || row.destinationNamespace === namespace
}

/** The sets of a namespace: its own, and those whose Applications deploy into it. */
export function narrowedSets(
  all: readonly ApplicationSetRow[],
  applications: ReadonlyMap<string, ApplicationRow>,
  by: Pick<Narrowed, "namespace" | "terms">,
): readonly ApplicationSetRow[] {
  return all
    .filter((set) => {
      const reaches = set.applications.some((key) => applications.get(key)?.destinationNamespace === by.namespace)
      return (by.namespace === ALL || set.namespace === by.namespace || reaches) && isFound({ ...set, labels: {} }, by.terms)
    })
    .sort((a, b) => setTrouble(a, applications) - setTrouble(b, applications) || compare(a.key, b.key))
}

function setTrouble(set: ApplicationSetRow, applications: ReadonlyMap<string, ApplicationRow>): number {
  if (set.conditions.length > 0) return 0
  return Math.min(...set.applications.map((key) => applications.get(key)).map((row) => (row === undefined ? 9 : trouble(row))), 9) + 1
}

/** 0: needs somebody now; the more, the less it does. */
export function trouble(row: Pick<ApplicationRow, "sync" | "health" | "operation" | "problem">): number {
  if (row.problem !== "" || row.health === "Degraded") return 0
  if (row.operation === "Failed" || row.operation === "Error" || row.health === "Missing") return 1
  if (row.sync === "Unknown" || row.health === "Unknown") return 2
  if (row.sync === "OutOfSync") return 3
  if (row.health === "Progressing" || isRunning(row.operation)) return 4
  if (row.health === "Suspended") return 5
  return 6
}

const TONES: readonly Tone[] = ["bad", "bad", "hold", "hold", "busy", "hold", "ok"]

/** The colour of the whole Application. */
export function toneOf(row: Pick<ApplicationRow, "sync" | "health" | "operation" | "problem">): Tone {
  const isOnlyMissing = trouble(row) === 1 && row.operation !== "Failed" && row.operation !== "Error"
  return isOnlyMissing ? "hold" : (TONES[trouble(row)] ?? "calm")
}

/** Whether an operation is under way. */
export function isRunning(operation: string): boolean {
  return operation === "Running" || operation === "Terminating"
}

function isWanted(wanted: ReadonlySet<string>, found: string): boolean {
  return wanted.size === 0 || wanted.has(word(found))
}

/** No word yet means that nobody knows. */
export function word(state: string): string {
  return state === "" ? "Unknown" : state
}

/** How often each word is there, in the given order; those that are chosen stay, also at 0. */
export function counts(words: readonly string[], order: readonly string[], chosen: ReadonlySet<string>): readonly Count[] {
  const found = new Map<string, number>([...chosen].map((one) => [one, 0]))
  for (const one of words) found.set(one, (found.get(one) ?? 0) + 1)
  const place = (one: string) => (order.indexOf(one) + order.length + 1) % (order.length + 1)
  return [...found].sort(([a], [b]) => place(a) - place(b) || compare(a, b))
}

/** `Synced,OutOfSync` as a set. */
export function parseWords(text: string | null): ReadonlySet<string> {
  return new Set((text ?? "").split(",").filter((one) => one !== ""))
}

/** With the word if it was not there, without it if it was; as it is written in the address. */
export function switchedWords(words: ReadonlySet<string>, one: string): string {
  return (words.has(one) ? [...words].filter((other) => other !== one) : [...words, one]).join(",")
}

/** Where an Application is shown. */
export function applicationPath(namespace: string, name: string): string {
  return `/applications/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`
}

/** Where an ApplicationSet is shown: in the list, alone. */
export function setPath(name: string): string {
  return `/applicationsets?q=${encodeURIComponent(`"${name}"`)}`
}

/** `Caused by argoproj.io/Rollout:shop/web` without what everybody there knows: `Because of Rollout/web`. */
export function causeWords(message: string): string {
  if (!message.startsWith("Caused by ")) return message
  return message.replace("Caused by ", "Because of ").replaceAll(/(?:[\w.-]+\/)?(\w+):(?:[\w.-]+\/)?([\w.:-]+)/g, "$1/$2")
}

/** What could not be rendered or compared, without what each such message begins with. */
export function problemWords(problem: string): string {
  return problem.replace(/^Failed to load target state: (?:failed to generate manifest for source \d+ of \d+: )?(?:rpc error: code = \w+ desc = )?/, "")
}

/** `argocd/shop` as its two parts. */
export function parts(key: string): readonly [namespace: string, name: string] {
  const at = key.indexOf("/")
  return [key.slice(0, Math.max(at, 0)), key.slice(at + 1)]
}

/** Seven characters of a commit; a version of a chart stays whole. */
export function shortSha(sha: string): string {
  return /^[0-9a-f]{12,}$/.test(sha) ? sha.slice(0, 7) : sha
}

/** The first line of a message. */
export function subject(commit: Pick<Commit, "message">): string {
  return commit.message.split("\n", 1)[0] ?? ""
}

/** `Ann` of `Ann <ann@example.com>`. */
export function authorName(commit: Pick<Commit, "author">): string {
  return commit.author.replace(/\s*<[^<>]*>$/, "") || commit.author
}

/** `https://github.com/acme/shop.git` and `/srv/acme/shop.git` are both `acme/shop`. */
export function shortRepo(repo: string): string {
  const path = repo.replace(/\/+$/, "").replace(/\.git$/, "").split(/[/:]/).filter((one) => one !== "")
  return path.slice(-2).join("/")
}

/** The last folders of a path, as far as they fit. */
export function shortPath(path: string, length = 42): string {
  if (path.length <= length) return path
  const folders = path.split("/")
  let kept = folders.pop() ?? ""
  while (folders.length > 0 && kept.length + (folders.at(-1) ?? "").length + 3 <= length) kept = `${folders.pop() ?? ""}/${kept}`
  return `…/${kept}`
}

/** The states of a list of Applications in words, worst first: `1 Degraded, 2 Healthy`. */
export function healthWords(rows: readonly ApplicationRow[]): string {
  return counts(rows.map((row) => word(row.health)), HEALTH_ORDER, new Set())
    .map(([one, count]) => `${count} ${one}`)
    .join(", ")
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
