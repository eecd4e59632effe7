/** The title of the window: what is shown, and where. */

import { useEffect } from "react"

/** `web – Rollouts – canarium`, for as long as the view is there. */
export function useTitle(...parts: readonly string[]): void {
  const title = [...parts.filter((part) => part !== ""), "canarium"].join(" – ")
  useEffect(() => {
    document.title = title
    return () => {
      document.title = "canarium"
    }
  }, [title])
}
