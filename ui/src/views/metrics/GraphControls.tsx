import { SegmentedControl, Select } from "@mantine/core"
import { useEffect, useState } from "react"
import { formatDuration, nextRange, parseDuration, stepOf, type Density, type Panel } from "@/lib/queryurl"
import { TimeInput } from "@/views/metrics/TimeInput"

/** Over what range a graph goes, until when, in which steps, and how it is drawn. */
export function GraphControls({ panel, set }: { panel: Panel; set: (changes: Partial<Panel>) => void }) {
  const [range, setRange] = useState(formatDuration(panel.range))
  const [step, setStep] = useState(panel.resolution.type === "auto" ? "" : formatDuration(panel.resolution.step))
  useEffect(() => setRange(formatDuration(panel.range)), [panel.range])
  const takeRange = () => {
    const parsed = parseDuration(range)
    if (parsed === null) setRange(formatDuration(panel.range))
    else if (parsed !== panel.range) set({ range: parsed })
  }
  const takeStep = () => {
    const parsed = parseDuration(step)
    if (parsed === null) setStep(panel.resolution.type === "auto" ? "" : formatDuration(panel.resolution.step))
    else set({ resolution: { type: "custom", step: parsed } })
  }
  return (
    <>
      <span className="stepper" role="group" aria-label="Range">
        <button type="button" aria-label="Shorter range" onClick={() => set({ range: nextRange(panel.range, -1) })}>
          −
        </button>
        <input
          aria-label="Range"
          value={range}
          size={5}
          onChange={(event) => setRange(event.currentTarget.value)}
          onBlur={takeRange}
          onKeyDown={(event) => event.key === "Enter" && takeRange()}
        />
        <button type="button" aria-label="Longer range" onClick={() => set({ range: nextRange(panel.range, 1) })}>
          +
        </button>
      </span>
      <TimeInput label="End time, UTC" value={panel.end} by={panel.range / 2} onChange={(end) => set({ end })} />
      <Select
        size="xs"
        w={164}
        aria-label="Resolution"
        data={[
          { value: "low", label: "Low resolution" },
          { value: "medium", label: "Medium resolution" },
          { value: "high", label: "High resolution" },
          { value: "custom", label: "Own step" },
        ]}
        value={panel.resolution.type === "auto" ? panel.resolution.density : "custom"}
        onChange={(value) => {
          if (value === "custom") {
            const current = stepOf(panel)
            setStep(formatDuration(current))
            set({ resolution: { type: "custom", step: current } })
          } else if (value !== null) set({ resolution: { type: "auto", density: value as Density } })
        }}
        allowDeselect={false}
      />
      {panel.resolution.type !== "auto" && (
        <span className="stepper">
          <input
            aria-label="Step"
            value={step}
            size={5}
            placeholder="15s"
            onChange={(event) => setStep(event.currentTarget.value)}
            onBlur={takeStep}
            onKeyDown={(event) => event.key === "Enter" && takeStep()}
          />
        </span>
      )}
      <SegmentedControl
        size="xs"
        aria-label="Drawn as"
        data={[
          { value: "lines", label: "Lines" },
          { value: "stacked", label: "Stacked" },
        ]}
        value={panel.display}
        onChange={(display) => set({ display })}
      />
    </>
  )
}
