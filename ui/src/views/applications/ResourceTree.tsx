import { CloseButton, Select, TextInput } from "@mantine/core"
import { useDeferredValue, useMemo, useRef, useState, type CSSProperties, type KeyboardEvent } from "react"
import { Link } from "wouter"
import type { TreeNode } from "@/api/types"
import { Ago } from "@/components/Ago"
import { lookOf } from "@/lib/phases"
import { useQuery } from "@/lib/search"
import { attention, branches, choices, foldable, isFiltering, letters, matching, size, type Branch, type TreeFilter } from "@/lib/tree"
import { Sign } from "@/views/applications/parts"

interface Drawn {
  readonly open: string
  readonly onOpen: ((id: string) => void) | null
  /** Whether they are in several namespaces, so that each has to say in which. */
  readonly isSpread: boolean
  readonly folded: ReadonlySet<string>
  readonly fold: (id: string) => void
}

const OLD = "old:"

/** The resources as a tree down to the pods. open: the resource whose drawer is open. onOpen: null when none can be. */
export function ResourceTree({ nodes, open, onOpen }: { nodes: readonly TreeNode[]; open: string; onOpen: ((id: string) => void) | null }) {
  const [query, change] = useQuery()
  const [text, setText] = useState("")
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set())
  const root = useRef<HTMLUListElement>(null)
  const filter = { text: useDeferredValue(text), kind: query.get("kind") ?? "", health: query.get("health") ?? "", sync: query.get("sync") ?? "" }
  const whole = useMemo(() => branches(nodes), [nodes])
  const isNarrowed = isFiltering(filter)
  const shown = isNarrowed ? matching(whole, filter) : whole
  const all = useMemo(() => foldable(whole), [whole])
  const isAllFolded = all.length > 0 && all.every((id) => folded.has(id))
  const fold = (id: string) =>
    setFolded((before) => {
      const next = new Set(before)
      if (!next.delete(id)) next.add(id)
      return next
    })
  const isSpread = new Set(nodes.map((node) => node.namespace).filter((one) => one !== "")).size > 1
  const drawn: Drawn = { open, onOpen, isSpread, folded: isNarrowed ? new Set() : folded, fold }
  return (
    <section className="card panel app-resources" aria-labelledby="resources">
      <div className="panel-head">
        <h2 id="resources">Resources</h2>
        <span className="faint app-small" role="status">
          {isNarrowed ? `${matchingCount(shown, nodes)} of ${nodes.length}` : nodes.length}
        </span>
        <Attention nodes={nodes} filter={filter} choose={change} />
        {!isNarrowed && all.length > 0 && (
          <button type="button" className="app-more app-fold-all" onClick={() => setFolded(new Set(isAllFolded ? [] : all))}>
            {isAllFolded ? "Unfold all" : "Fold all"}
          </button>
        )}
      </div>
      {nodes.length === 0 ? (
        <p className="faint">There are no resources yet: nothing was rendered, or the folder in git is empty.</p>
      ) : (
        <>
          <div className="app-tree-tools" role="group" aria-label="Find resources">
            <TextInput
              size="xs"
              type="search"
              aria-label="Search the resources"
              placeholder="name, image, kind"
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
              onKeyDown={(event) => {
                if (event.key === "Escape") setText("")
              }}
              rightSection={text === "" ? null : <CloseButton size="xs" aria-label="Clear the search" onClick={() => setText("")} />}
            />
            <Choice name="kind" values={choices(nodes, "kind")} chosen={filter.kind} choose={(kind) => change({ kind })} />
            <Choice name="sync" values={choices(nodes, "sync")} chosen={filter.sync} choose={(sync) => change({ sync })} />
            <Choice name="health" values={choices(nodes, "health")} chosen={filter.health} choose={(health) => change({ health })} />
          </div>
          {shown.length === 0 ? (
            <p className="faint">
              No resource matches.{" "}
              <button
                type="button"
                className="app-more"
                onClick={() => {
                  setText("")
                  change({ kind: "", sync: "", health: "" })
                }}
              >
                Show all
              </button>
            </p>
          ) : (
            <ul ref={root} className="app-tree" aria-labelledby="resources" onKeyDown={(event) => onKey(event, root.current, fold, drawn.folded)}>
              {shown.map((branch) => (
                <Item key={branch.node.id} branch={branch} depth={0} drawn={drawn} />
              ))}
            </ul>
          )}
        </>
      )}
    </section>
  )
}

/** What is not as it should be, counted; a click shows only that. */
function Attention({
  nodes,
  filter,
  choose,
}: {
  nodes: readonly TreeNode[]
  filter: TreeFilter
  choose: (changes: Readonly<Record<string, string>>) => void
}) {
  const found = attention(nodes)
  if (found.length === 0) return null
  return (
    <div role="group" aria-label="Show only what is not well" className="app-attention">
      {found.map(({ by, word, count }) => {
        const isChosen = filter[by] === word
        return (
          <button
            key={`${by} ${word}`}
            type="button"
            className="app-counter"
            data-tone={lookOf(word).tone}
            aria-pressed={isChosen}
            onClick={() => choose({ [by]: isChosen ? "" : word })}
          >
            <span aria-hidden="true">{lookOf(word).sign}</span> {word} <strong>{count}</strong>
          </button>
        )
      })}
    </div>
  )
}

function matchingCount(shown: readonly Branch[], nodes: readonly TreeNode[]): number {
  return Math.min(size(shown), nodes.length)
}

function Choice({ name, values, chosen, choose }: { name: string; values: readonly string[]; chosen: string; choose: (value: string) => void }) {
  const offered = chosen === "" || values.includes(chosen) ? values : [chosen, ...values]
  return (
    <Select
      size="xs"
      aria-label={`Only this ${name}`}
      placeholder={`any ${name}`}
      data={[...offered]}
      value={chosen === "" ? null : chosen}
      onChange={(value) => choose(value ?? "")}
      clearable
      clearButtonProps={{ "aria-label": `Any ${name}` }}
    />
  )
}

function Item({ branch, depth, drawn }: { branch: Branch; depth: number; drawn: Drawn }) {
  const { node, children, old } = branch
  const isFoldable = children.length + old.length > 0
  const isFolded = drawn.folded.has(node.id)
  return (
    <li>
      <Row node={node} depth={depth} drawn={drawn} isFoldable={isFoldable} isFolded={isFolded} />
      {isFoldable && !isFolded && (
        <ul aria-label={`Below ${node.kind} ${node.name}`}>
          {children.map((child) => (
            <Item key={child.node.id} branch={child} depth={depth + 1} drawn={drawn} />
          ))}
          {old.length > 0 && <Old branches={old} parent={node.id} depth={depth + 1} drawn={drawn} />}
        </ul>
      )}
    </li>
  )
}

/** Former revisions; folded until they are asked for. */
function Old({ branches: old, parent, depth, drawn }: { branches: readonly Branch[]; parent: string; depth: number; drawn: Drawn }) {
  const id = OLD + parent
  // It is the other way round than with the others: in the set when it is open.
  const isOpen = drawn.folded.has(id)
  return (
    <li>
      <div className="app-node app-old" style={indent(depth)}>
        <button type="button" className="app-old-button" data-node={id} aria-expanded={isOpen} onClick={() => drawn.fold(id)}>
          <Triangle isOpen={isOpen} />
          {old.length} old {old.length === 1 ? "revision" : "revisions"}, scaled down
        </button>
      </div>
      {isOpen && (
        <ul>
          {old.map((one) => (
            <Item key={one.node.id} branch={one} depth={depth + 1} drawn={drawn} />
          ))}
        </ul>
      )}
    </li>
  )
}

function Row({ node, depth, drawn, isFoldable, isFolded }: { node: TreeNode; depth: number; drawn: Drawn; isFoldable: boolean; isFolded: boolean }) {
  const { onOpen } = drawn
  const name = (
    <>
      <span className="app-node-name">{node.name}</span> <span className="faint app-small">
        {node.kind}
        {drawn.isSpread && node.namespace !== "" && ` in ${node.namespace}`}
      </span>
    </>
  )
  return (
    <div className="app-node" style={indent(depth)} data-open={drawn.open === node.id || undefined} data-kind={node.kind} title={node.healthMessage || undefined}>
      {isFoldable ? (
        <button
          type="button"
          className="app-disclose"
          aria-expanded={!isFolded}
          aria-label={`What ${node.kind} ${node.name} made`}
          onClick={() => drawn.fold(node.id)}
        >
          <Triangle isOpen={!isFolded} />
        </button>
      ) : (
        <span />
      )}
      <span className="app-kind" aria-hidden="true" title={node.kind}>
        {letters(node.kind)}
      </span>
      {onOpen === null ? (
        <span className="app-node-words">{name}</span>
      ) : (
        <button type="button" className="app-node-words app-stretch" data-node={node.id} aria-haspopup="dialog" onClick={() => onOpen(node.id)}>
          {name}
        </button>
      )}
      <span className="app-node-states">
        <span className="app-node-state">{node.sync !== "" && <Sign state={node.sync} />}</span>
        <span className="app-node-state">{node.health !== "" && <Sign state={node.health} />}</span>
        <span className="app-node-info">
          {node.needsPrune && (
            <span className="tag" title="Git does not have it any more: a sync that prunes deletes it.">
              to be pruned
            </span>
          )}
          {node.info.map((one, index) => (
            <span key={index} className="app-chip">
              {one}
            </span>
          ))}
        </span>
      </span>
      <span className="app-node-age faint app-small">
        <Ago at={node.created} bare />
      </span>
      <span className="app-node-link">
        {node.href !== "" && (
          <Link href={node.href} className="app-above" aria-label={`Page of ${node.kind} ${node.name}`} title="Open its page">
            <span aria-hidden="true">↗</span>
          </Link>
        )}
      </span>
      {node.healthMessage !== "" && node.health !== "Healthy" && <span className="app-node-message app-small" data-tone={lookOf(node.health).tone}>{node.healthMessage}</span>}
    </div>
  )
}

function Triangle({ isOpen }: { isOpen: boolean }) {
  return (
    <span aria-hidden="true" className="app-triangle" data-open={isOpen}>
      ▸
    </span>
  )
}

function indent(depth: number): CSSProperties {
  return { "--depth": depth } as CSSProperties
}

/** Up and down go from row to row, right unfolds, left folds or goes to the parent. */
function onKey(event: KeyboardEvent, root: HTMLUListElement | null, fold: (id: string) => void, folded: ReadonlySet<string>): void {
  if (root === null || !(event.target instanceof HTMLElement)) return
  const li = event.target.closest("li")
  const here = li?.querySelector<HTMLElement>(":scope > .app-node [data-node]")
  if (!li || !here) return
  const rows = [...root.querySelectorAll<HTMLElement>("[data-node]")]
  const go = (to: HTMLElement | null | undefined) => {
    event.preventDefault()
    to?.focus()
  }
  const disclosure = li.querySelector<HTMLElement>(":scope > .app-node [aria-expanded]")
  const isOpen = disclosure?.getAttribute("aria-expanded")
  const id = here.dataset["node"] ?? ""
  switch (event.key) {
    case "ArrowDown":
      go(rows[rows.indexOf(here) + 1])
      break
    case "ArrowUp":
      go(rows[rows.indexOf(here) - 1])
      break
    case "Home":
      go(rows[0])
      break
    case "End":
      go(rows.at(-1))
      break
    case "ArrowRight":
      if (isOpen === "false") fold(id)
      else if (isOpen === "true") go(rows[rows.indexOf(here) + 1])
      event.preventDefault()
      break
    case "ArrowLeft":
      if (isOpen === "true" && (id.startsWith(OLD) || !folded.has(id))) fold(id)
      else go(li.parentElement?.closest("li")?.querySelector<HTMLElement>(":scope > .app-node [data-node]"))
      event.preventDefault()
      break
    default:
  }
}
