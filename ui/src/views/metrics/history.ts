/** The last queries of this browser. Storage may be forbidden: then there is no history. */

const NAME = "canarium.queries"
const KEPT = 20

/** Newest first. */
export function history(): readonly string[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(NAME) ?? "[]")
    return Array.isArray(found) ? found.filter((text): text is string => typeof text === "string").slice(0, KEPT) : []
  } catch {
    return []
  }
}

export function remember(expr: string): void {
  const text = expr.trim()
  if (text === "") return
  try {
    localStorage.setItem(NAME, JSON.stringify([text, ...history().filter((known) => known !== text)].slice(0, KEPT)))
  } catch {
    // a browser that keeps nothing
  }
}

export function forgetHistory(): void {
  try {
    localStorage.removeItem(NAME)
  } catch {
    // a browser that keeps nothing
  }
}
