/** The namespace that lists are about: in the address, and remembered for the next page. */

import { useCallback } from "react"
import { useQuery } from "@/lib/search"

export const ALL = ""
const KEY = "canarium.namespace"

function remembered(): string {
  try {
    return window.localStorage.getItem(KEY) ?? ALL
  } catch {
    return ALL // storage may be forbidden; then nothing is remembered
  }
}

/** The chosen namespace (ALL: every one), and how to choose another. */
export function useNamespace(): [string, (namespace: string) => void] {
  const [query, change] = useQuery()
  const chosen = query.get("ns")
  const choose = useCallback(
    (namespace: string) => {
      try {
        window.localStorage.setItem(KEY, namespace)
      } catch {
        // not remembered then
      }
      change({ ns: namespace === ALL ? "*" : namespace })
    },
    [change],
  )
  if (chosen === "*") return [ALL, choose]
  return [chosen ?? remembered(), choose]
}
