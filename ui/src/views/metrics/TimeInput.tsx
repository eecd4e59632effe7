import { useEffect, useState } from "react"
import { serverNow } from "@/api/live"
import { formatTime, parseTime } from "@/lib/queryurl"

/** A time in UTC with a way back to now. value: milliseconds, null is now. by: how far the arrows go. */
export function TimeInput({
  label,
  value,
  by,
  onChange,
}: {
  label: string
  value: number | null
  by: number
  onChange: (value: number | null) => void
}) {
  const shown = value === null ? "" : formatTime(value)
  const [draft, setDraft] = useState(shown)
  useEffect(() => setDraft(shown), [shown])
  const take = () => {
    if (draft === shown) return
    const parsed = parseTime(draft)
    if (parsed === null && draft !== "") setDraft(shown)
    else onChange(parsed)
  }
  const move = (amount: number) => onChange(Math.round(((value ?? serverNow()) + amount) / 1000) * 1000)
  return (
    <span className="stepper" role="group" aria-label={label}>
      <button type="button" aria-label="Earlier" onClick={() => move(-by)}>
        ‹
      </button>
      <input
        type="text"
        size={19}
        placeholder="now"
        aria-label={label}
        title={`${label}: 2026-11-24 19:00:00, or empty for now`}
        value={draft}
        onChange={(event) => setDraft(event.currentTarget.value)}
        onBlur={take}
        onKeyDown={(event) => event.key === "Enter" && take()}
      />
      <button type="button" aria-label="Later" onClick={() => move(by)}>
        ›
      </button>
      <button type="button" className="stepper-word" disabled={value === null} onClick={() => onChange(null)}>
        Now
      </button>
    </span>
  )
}
