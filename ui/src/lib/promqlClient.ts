/** What the expression editor asks the server for completion: same origin, remembered for a minute. */

import type { CompleteConfiguration } from "@prometheus-io/codemirror-promql"
// Its clients are not among its exports; the package is pinned to one version.
import { CachedPrometheusClient, HTTPPrometheusClient } from "@prometheus-io/codemirror-promql/dist/esm/client/prometheus"

const REMEMBERED = 60_000

/**
 * Also offers metrics that targets describe and that have no series now: what says how many init containers wait is to
 * be found before one waits.
 */
class Client extends CachedPrometheusClient {
  override async metricNames(): Promise<string[]> {
    const [names, described] = await Promise.all([super.metricNames(), this.metricMetadata()])
    const whole = Object.entries(described).filter(([, [first]]) => first?.type !== "histogram" && first?.type !== "summary")
    return [...new Set([...names, ...whole.map(([name]) => name)])].sort()
  }
}

/** Completion from `/api/v1` of this origin. What fails gives no completion, and is no error of the page. */
export function promqlCompletion(): CompleteConfiguration {
  const client = new HTTPPrometheusClient({
    url: "",
    httpMethod: "GET",
    fetchFn: (input, init) => fetch(input, { ...init, credentials: "same-origin" }),
    httpErrorHandler: () => undefined,
  })
  return { remote: new Client(client, { maxAge: REMEMBERED }) }
}
