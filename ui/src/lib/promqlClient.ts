/** What the expression editor asks the server for completion: same origin, remembered for a minute. */

import type { CompleteConfiguration } from "@prometheus-io/codemirror-promql"

const REMEMBERED = 60_000

/** Completion from `/api/v1` of this origin. What fails gives no completion, and is no error of the page. */
export function promqlCompletion(): CompleteConfiguration {
  return {
    remote: {
      url: "",
      httpMethod: "GET",
      fetchFn: (input, init) => fetch(input, { ...init, credentials: "same-origin" }),
      httpErrorHandler: () => undefined,
      cache: { maxAge: REMEMBERED },
    },
  }
}
