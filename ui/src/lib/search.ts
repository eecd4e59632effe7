/** What of the page's state is in its address. */

import { useCallback } from "react"
import { useLocation, useSearch } from "wouter"

/** The query string as a map, and a function that changes some of it (an empty value removes a name). */
export function useQuery(): [URLSearchParams, (changes: Record<string, string>, options?: { push?: boolean }) => void] {
  const search = useSearch()
  const [path, navigate] = useLocation()
  const change = useCallback(
    (changes: Record<string, string>, options: { push?: boolean } = {}) => {
      const next = new URLSearchParams(window.location.search)
      for (const [name, value] of Object.entries(changes)) {
        if (value === "") next.delete(name)
        else next.set(name, value)
      }
      const text = next.toString()
      navigate(text === "" ? path : `${path}?${text}`, { replace: options.push !== true })
    },
    [path, navigate],
  )
  return [new URLSearchParams(search), change]
}
