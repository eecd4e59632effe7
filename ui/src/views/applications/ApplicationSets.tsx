import { useState } from "react"
import { Link } from "wouter"
import type { ApplicationRow, ApplicationSetRow } from "@/api/types"
import { Ago } from "@/components/Ago"
import { applicationPath, healthWords, parts, trouble } from "@/lib/applications"
import { Sign } from "@/views/applications/parts"

const FEW = 12

/** Every ApplicationSet: what it makes Applications of, and how those are. */
export function ApplicationSets({ rows, known }: { rows: readonly ApplicationSetRow[]; known: ReadonlyMap<string, ApplicationRow> }) {
  return (
    <div className="card app-table app-sets">
      <table>
        <caption className="visually-hidden">ApplicationSets</caption>
        <thead>
          <tr>
            <th scope="col" className="app-col-set">
              Name
            </th>
            <th scope="col" className="app-col-generators">
              Generators
            </th>
            <th scope="col">Applications</th>
            <th scope="col" className="app-col-age">
              Age
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key} data-key={row.key}>
              <th scope="row" className="app-col-set">
                <strong>{row.name}</strong>
                <div className="faint app-small">{row.namespace}</div>
              </th>
              <td className="app-col-generators">
                <ul className="app-plain">
                  {row.generators.map((one, index) => (
                    <li key={index} className="app-small">
                      <Generator text={one} />
                    </li>
                  ))}
                </ul>
                {row.conditions.map((one) => (
                  <p key={one} className="app-problem app-problem-whole app-small" data-tone="bad">
                    <span aria-hidden="true">⚠ </span>
                    {one}
                  </p>
                ))}
              </td>
              <td>
                <Made keys={row.applications} known={known} />
              </td>
              <td className="app-col-age faint app-small">
                <Ago at={row.created} bare />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Generator({ text }: { text: string }) {
  const at = text.indexOf(": ")
  if (at === -1) return <>{text}</>
  return (
    <>
      <span className="faint">{text.slice(0, at)}</span> <code>{text.slice(at + 2)}</code>
    </>
  )
}

/** The Applications, those in trouble first. */
function Made({ keys, known }: { keys: readonly string[]; known: ReadonlyMap<string, ApplicationRow> }) {
  const [isWhole, setWhole] = useState(false)
  const rank = (key: string) => {
    const row = known.get(key)
    return row === undefined ? 7 : trouble(row)
  }
  const all = [...keys].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
  if (all.length === 0) return <span className="faint app-small">It makes none.</span>
  const rows = all.map((key) => known.get(key)).filter((row) => row !== undefined)
  return (
    <>
      {all.length > 3 && (
        <div className="faint app-small">
          {all.length}: {healthWords(rows)}
        </div>
      )}
      <ul className="app-plain app-made">
        {(isWhole ? all : all.slice(0, FEW)).map((key) => {
          const [namespace, name] = parts(key)
          const row = known.get(key)
          return (
            <li key={key}>
              <Link href={applicationPath(namespace, name)} className="app-name">
                {name}
              </Link>{" "}
              {row !== undefined && (
                <span className="app-signs">
                  <Sign state={row.sync} />
                  <Sign state={row.health} />
                </span>
              )}
            </li>
          )
        })}
      </ul>
      {all.length > FEW && (
        <button type="button" className="app-more" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
          {isWhole ? "Show fewer" : `Show all ${all.length}`}
        </button>
      )}
    </>
  )
}
