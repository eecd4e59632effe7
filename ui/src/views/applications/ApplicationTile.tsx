import { memo } from "react"
import { Link } from "wouter"
import type { ApplicationRow } from "@/api/types"
import { Ago } from "@/components/Ago"
import { Phase } from "@/components/Phase"
import { applicationPath, causeWords, isRunning, problemWords, setPath, shortPath, shortRepo, toneOf } from "@/lib/applications"
import { lookOf } from "@/lib/phases"
import { CommitLine } from "@/views/applications/parts"

/** One Application at a glance; the whole tile opens it. */
export const ApplicationTile = memo(function ApplicationTile({ row }: { row: ApplicationRow }) {
  return (
    <li className="card app-tile" data-tone={toneOf(row)} data-key={row.key}>
      <div className="app-tile-name">
        <Link href={applicationPath(row.namespace, row.name)} className="app-name app-stretch">
          {row.name}
        </Link>
        <span className="faint app-small">
          {row.project} → <span className="mono">{row.destinationNamespace || "no namespace"}</span>
        </span>
      </div>
      <div className="app-pills">
        <States row={row} />
      </div>
      <div className="app-small app-source" title={`${row.repo}\n${row.path}\n${row.target}`}>
        <span className="mono">{shortRepo(row.repo)}</span> <span className="faint">at</span> <span className="mono">{row.target || "HEAD"}</span>
        <div className="mono faint ellipsis">{shortPath(row.path)}</div>
      </div>
      <div className="app-small ellipsis">
        <CommitLine commit={row.commit} />
      </div>
      <Trouble row={row} />
      <div className="app-tile-foot app-small faint">
        <span>
          <LastSync row={row} />
        </span>
        <SetLink row={row} />
      </div>
    </li>
  )
})

/** Sync, health, and an operation that is under way or went wrong. */
export function States({ row, size }: { row: ApplicationRow; size?: "md" | "lg" }) {
  return (
    <>
      <Phase phase={row.sync} size={size} />
      <Phase phase={row.health} size={size} />
      {isRunning(row.operation) && <Phase phase={row.operation} label={row.operation === "Running" ? "Syncing" : row.operation} size={size} />}
      {(row.operation === "Failed" || row.operation === "Error") && <Phase phase={row.operation} label="Sync failed" size={size} />}
    </>
  )
}

/** What is wrong, or what it waits for, in two lines. */
export function Trouble({ row }: { row: ApplicationRow }) {
  const text = problemWords(row.problem) || (row.health === "Healthy" ? "" : causeWords(row.healthMessage))
  if (text === "") return null
  return (
    <p className="app-problem app-small" title={text} data-tone={row.problem === "" ? lookOf(row.health).tone : "bad"}>
      {text}
    </p>
  )
}

/** When it was synced last. */
export function LastSync({ row }: { row: ApplicationRow }) {
  if (row.lastSync === "") return <>never synced</>
  return (
    <>
      synced <Ago at={row.lastSync} />
    </>
  )
}

/** The ApplicationSet that it comes from. */
export function SetLink({ row }: { row: ApplicationRow }) {
  if (row.set === "") return null
  return (
    <span className="app-set">
      by{" "}
      <Link href={setPath(row.set)} className="app-above" title={`ApplicationSet ${row.set}`}>
        {row.set}
      </Link>
    </span>
  )
}
