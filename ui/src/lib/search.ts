/** What of the page's state is in its address. */

import { useCallback, useEffect, useState } from "react"
import { useLocation, useSearch } from "wouter"

/** The query string as a map, and a function that changes some of it (an empty value removes a name). */
export function useQuery(): [URLSearchParams, (changes: Record<string, string>, options?: { push?: boolean }) => void] {
  const search = useSearch()
  const [path, navigate] = useLocation()
  const change = useCallback(
    (changes: Record<string, string>, options: { push?: boolean } = {}) => {
      if (window.location.pathname !== path) return // a view that is being left has no say any more
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

const TYPING_PAUSE = 250

/** The text of a search field: at once for who types, in the address once they pause. */
export function useSearchText(asked: string, change: (changes: Record<string, string>) => void): [string, (text: string) => void] {
  const [text, setText] = useState(asked)
  const [known, setKnown] = useState(asked)
  if (asked !== known) {
    setKnown(asked)
    setText(asked)
  }
  useEffect(() => {
    if (text === asked) return undefined
    const timer = setTimeout(() => {
      setKnown(text)
      change({ q: text })
    }, TYPING_PAUSE)
    return () => clearTimeout(timer)
  }, [text, asked, change])
  return [text, setText]
}
