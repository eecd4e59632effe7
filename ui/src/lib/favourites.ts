/** Which Rollouts have a star: remembered by this browser, the same in all of its tabs. */

import { useSyncExternalStore } from "react"

const KEY = "canarium.favourites"

/** Reads what was remembered; anything else than a list of texts is no favourites. */
export function parseFavourites(text: string | null): ReadonlySet<string> {
  try {
    const found: unknown = JSON.parse(text ?? "[]")
    return new Set(Array.isArray(found) ? found.filter((key) => typeof key === "string") : [])
  } catch {
    return new Set()
  }
}

function remembered(): string | null {
  try {
    return window.localStorage.getItem(KEY)
  } catch {
    return null // storage may be forbidden; then they last as long as the page
  }
}

let favourites = parseFavourites(remembered())
const listeners = new Set<() => void>()

function set(next: ReadonlySet<string>): void {
  favourites = next
  for (const listener of listeners) listener()
}

function takeOver(event: StorageEvent): void {
  if (event.key === KEY || event.key === null) set(parseFavourites(event.newValue))
}

function listen(listener: () => void): () => void {
  if (listeners.size === 0) window.addEventListener("storage", takeOver)
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) window.removeEventListener("storage", takeOver)
  }
}

/** Gives a Rollout its star, or takes it. key: `namespace/name`. */
export function toggleFavourite(key: string): void {
  const next = new Set(favourites)
  if (!next.delete(key)) next.add(key)
  set(next)
  try {
    window.localStorage.setItem(KEY, JSON.stringify([...next].sort()))
  } catch {
    // not remembered then
  }
}

/** Keys of the favourites; the same set until one changes. */
export function useFavourites(): ReadonlySet<string> {
  return useSyncExternalStore(listen, () => favourites)
}
