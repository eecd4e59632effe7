/** Asking once and again on demand: loading, the answer, or the error; what was known stays while it is asked again. */

import { useCallback, useEffect, useState } from "react"
import { asApiError, type ApiError } from "@/api/http"

export interface Answer<T> {
  readonly value: T | null
  readonly error: ApiError | null
  readonly isBusy: boolean
  /** How long the last answer took, in milliseconds. */
  readonly took: number
  readonly again: () => void
}

/** key: what the answer depends on; another key forgets the answer, and an empty one asks nothing. */
export function useAnswer<T>(key: string, ask: (signal: AbortSignal) => Promise<T>): Answer<T> {
  const [times, setTimes] = useState(0)
  const [state, setState] = useState<{ key: string; value: T | null; error: ApiError | null; isBusy: boolean; took: number }>({
    key: "",
    value: null,
    error: null,
    isBusy: false,
    took: 0,
  })
  const again = useCallback(() => setTimes((count) => count + 1), [])
  useEffect(() => {
    if (key === "") return
    const abort = new AbortController()
    const began = performance.now()
    setState((old) => (old.key === key ? { ...old, isBusy: true } : { key, value: null, error: null, isBusy: true, took: 0 }))
    ask(abort.signal).then(
      (value) => {
        if (!abort.signal.aborted) setState({ key, value, error: null, isBusy: false, took: performance.now() - began })
      },
      (error: unknown) => {
        if (!abort.signal.aborted) setState({ key, value: null, error: asApiError(error), isBusy: false, took: performance.now() - began })
      },
    )
    return () => abort.abort()
    // What is asked is told by the key.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key, times])
  if (state.key !== key) return { value: null, error: null, isBusy: key !== "", took: 0, again }
  return { value: state.value, error: state.error, isBusy: state.isBusy, took: state.took, again }
}
