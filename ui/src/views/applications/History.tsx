import { useState } from "react"
import type { HistoryEntry } from "@/api/types"
import { Ago } from "@/components/Ago"
import { CopyText } from "@/components/CopyText"
import { authorName, shortSha, subject } from "@/lib/applications"

const FEW = 6

/** What was deployed, newest first. */
export function History({ entries }: { entries: readonly HistoryEntry[] }) {
  const [isWhole, setWhole] = useState(false)
  return (
    <section className="card panel" aria-labelledby="history">
      <h2 id="history">History</h2>
      {entries.length === 0 ? (
        <p className="faint">Nothing was deployed yet; each sync that ends well is written down here.</p>
      ) : (
        <table className="app-history">
          <thead>
            <tr>
              <th scope="col">Commit</th>
              <th scope="col" className="app-col-message">
                Message
              </th>
              <th scope="col">Deployed</th>
            </tr>
          </thead>
          <tbody>
            {(isWhole ? entries : entries.slice(0, FEW)).map((one, index) => (
              <tr key={one.id}>
                <th scope="row" title={`${one.commit.sha} (deployment ${one.id})`}>
                  <code className="app-sha">{shortSha(one.commit.sha) || "–"}</code>
                </th>
                <td className="app-col-message">
                  {subject(one.commit)} {index === 0 && <span className="tag">now</span>}
                  <div className="faint app-small">{[authorName(one.commit), one.initiatedBy].filter((each) => each !== "").join(" · ")}</div>
                </td>
                <td>
                  <Ago at={one.deployed} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {entries.length > FEW && (
        <button type="button" className="app-more" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
          {isWhole ? "Show fewer" : `Show all ${entries.length}`}
        </button>
      )}
      {entries[0] !== undefined && entries[1] !== undefined && entries[0].commit.sha !== entries[1].commit.sha && (
        <p className="faint app-small app-hint">
          To go back, revert the commit in git: <CopyText text={`git revert --no-edit ${shortSha(entries[0].commit.sha)} && git push`} />
        </p>
      )}
    </section>
  )
}
