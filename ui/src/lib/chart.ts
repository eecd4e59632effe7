/** What our charts share: colours of the scheme as a canvas needs them, time stamps, shapes. Loads no library. */

import type uPlot from "uplot"

/** Told apart also by people who see few colours, at 3:1 or more on the card of the scheme. */
export const LINES: Readonly<Record<"light" | "dark", readonly string[]>> = {
  light: ["#0a6a92", "#c2410c", "#2f7d32", "#8e24aa", "#8a6d00", "#c2185b", "#00796b", "#3949ab"],
  dark: ["#6abfe1", "#ff9e64", "#7fd68a", "#d59bf0", "#f3cb66", "#ff8fb5", "#5fd9c5", "#9fb0ff"],
}

/** The colour of a revision: the same as long as it is the same revision. */
export function revisionColour(revision: number, scheme: "light" | "dark"): string {
  const all = LINES[scheme]
  return all[Math.max(0, revision - 1) % all.length] ?? "#888"
}

/** A custom property's value where an element is. */
export function tokensAt(element: Element): (name: string) => string {
  const style = getComputedStyle(element)
  return (name) => style.getPropertyValue(name).trim()
}

const SECONDS = 1
/** 24 hours, local time, and the day where it changes. */
export const TIME_STAMPS: uPlot.Axis.Values = [
  [3600 * 24, "{MMM} {D}", null, null, null, null, null, null, SECONDS],
  [60, "{HH}:{mm}", "\n{MMM} {D}", null, "\n{MMM} {D}", null, null, null, SECONDS],
  [1, "{HH}:{mm}:{ss}", null, null, null, null, null, null, SECONDS],
  [0.001, "{ss}.{fff}", null, null, null, null, null, null, SECONDS],
]

/** An axis in the page's colours. */
export function axisOf(token: (name: string) => string, size?: number): uPlot.Axis {
  return {
    stroke: token("--faint"),
    grid: { stroke: token("--line"), width: 1 },
    ticks: { stroke: token("--line"), width: 1, size: 5 },
    font: "12px system-ui, sans-serif",
    ...(size === undefined ? {} : { size }),
  }
}

/** A shape around a point of a canvas. size: its radius. */
export function drawShape(context: CanvasRenderingContext2D, shape: string, x: number, y: number, size: number): void {
  context.beginPath()
  switch (shape) {
    case "circle":
      context.arc(x, y, size * 0.9, 0, Math.PI * 2)
      context.fill()
      return
    case "square":
      context.rect(x - size * 0.8, y - size * 0.8, size * 1.6, size * 1.6)
      context.stroke()
      return
    case "triangle":
      context.moveTo(x, y - size)
      context.lineTo(x + size, y + size * 0.8)
      context.lineTo(x - size, y + size * 0.8)
      context.closePath()
      context.fill()
      return
    case "diamond":
      context.moveTo(x, y - size)
      context.lineTo(x + size, y)
      context.lineTo(x, y + size)
      context.lineTo(x - size, y)
      context.closePath()
      context.fill()
      return
    case "cross":
      context.moveTo(x - size * 0.8, y - size * 0.8)
      context.lineTo(x + size * 0.8, y + size * 0.8)
      context.moveTo(x + size * 0.8, y - size * 0.8)
      context.lineTo(x - size * 0.8, y + size * 0.8)
      context.stroke()
      return
    default:
      context.moveTo(x, y - size)
      context.lineTo(x, y + size)
      context.stroke()
  }
}
