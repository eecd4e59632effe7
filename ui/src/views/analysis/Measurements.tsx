import { useState } from "react"
import { Button } from "@mantine/core"
import type { Measurement } from "@/api/types"
import { Ago, useNow } from "@/components/Ago"
import { Phase } from "@/components/Phase"
import { clockTime, instant } from "@/lib/time"
import { tookText, valueText } from "@/lib/values"

const SHOWN = 50

/** Every measurement, newest first. Errors in full. */
export function Measurements({ measurements }: { measurements: readonly Measurement[] }) {
  const [areAllShown, showAll] = useState(false)
  const now = useNow()
  const numbered = measurements.map((measurement, index) => ({ measurement, number: index + 1 })).reverse()
  const shown = areAllShown ? numbered : numbered.slice(0, SHOWN)
  return (
    <>
      <table className="measurements">
        <caption className="visually-hidden">Measurements, newest first</caption>
        <thead>
          <tr>
            <th scope="col" className="m-number">
              #
            </th>
            <th scope="col">Phase</th>
            <th scope="col" className="m-value">
              Value
            </th>
            <th scope="col">Started</th>
            <th scope="col">Took</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ measurement, number }) => (
            <tr key={number}>
              <td className="m-number faint">{number}</td>
              <td className="m-phase">
                <Phase phase={measurement.phase} />
              </td>
              <td className="m-value">
                <span className={measurement.value === "" ? "faint" : "mono"}>{valueText(measurement)}</span>
                {measurement.message !== "" && <div className="m-message">{measurement.message}</div>}
              </td>
              <td className="nowrap">
                {measurement.started !== "" && clockTime(instant(measurement.started), now)}{" "}
                <span className="faint">
                  <Ago at={measurement.started} />
                </span>
              </td>
              <td className="nowrap faint">
                {tookText(measurement)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {numbered.length > shown.length && (
        <Button variant="default" size="sm" mt="sm" onClick={() => showAll(true)}>
          Show {numbered.length - shown.length} older ones
        </Button>
      )}
    </>
  )
}
