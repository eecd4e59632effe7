import { memo } from "react"
import { Link } from "wouter"
import type { ApplicationRow } from "@/api/types"
import { Ago } from "@/components/Ago"
import { applicationPath, shortPath, shortRepo } from "@/lib/applications"
import { SetLink, States, Trouble } from "@/views/applications/ApplicationTile"
import { CommitLine, useGrowing } from "@/views/applications/parts"

/** Every Application in a line. */
export function ApplicationTable({ rows }: { rows: readonly ApplicationRow[] }) {
  const [limit, end] = useGrowing(rows.length)
  return (
    <div className="card app-table">
      <table aria-rowcount={rows.length + 1}>
        <caption className="visually-hidden">Applications</caption>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" className="app-col-state">
              State
            </th>
            <th scope="col" className="app-col-source">
              Source
            </th>
            <th scope="col" className="app-col-commit">
              Revision
            </th>
            <th scope="col" className="app-col-to">
              Deploys to
            </th>
            <th scope="col" className="app-col-sync">
              Last sync
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, limit).map((row) => (
            <Row key={row.key} row={row} />
          ))}
        </tbody>
      </table>
      {limit < rows.length && <div ref={end} className="app-end" />}
    </div>
  )
}

const Row = memo(function Row({ row }: { row: ApplicationRow }) {
  return (
    <tr data-key={row.key}>
      <th scope="row">
        <Link href={applicationPath(row.namespace, row.name)} className="app-name">
          {row.name}
        </Link>
        <div className="faint app-small">
          {row.project} <SetLink row={row} />
        </div>
      </th>
      <td className="app-col-state">
        <span className="app-pills">
          <States row={row} />
        </span>
        <Trouble row={row} />
      </td>
      <td className="app-col-source app-small" title={`${row.repo}\n${row.path}\n${row.target}`}>
        <div className="ellipsis">
          <span className="mono">{shortRepo(row.repo)}</span> <span className="faint">at</span> <span className="mono">{row.target || "HEAD"}</span>
        </div>
        <div className="mono faint ellipsis">{shortPath(row.path)}</div>
      </td>
      <td className="app-col-commit app-small">
        <div className="app-two">
          <CommitLine commit={row.commit} />
        </div>
      </td>
      <td className="app-col-to mono app-small">{row.destinationNamespace}</td>
      <td className="app-col-sync faint app-small">{row.lastSync === "" ? "never" : <Ago at={row.lastSync} />}</td>
    </tr>
  )
})
