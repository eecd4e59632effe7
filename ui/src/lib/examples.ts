/** Queries to begin with, of metrics that there are. Pure. */

import type { QueryTab } from "@/lib/queryurl"

export interface Example {
  /** The question that it answers. */
  readonly question: string
  readonly expr: string
  readonly tab: QueryTab
}

const KNOWN: readonly (Example & { readonly needs: string })[] = [
  { needs: "up", question: "Which targets can be scraped?", expr: "up", tab: "table" },
  {
    needs: "kube_pod_status_ready",
    question: "How many pods are ready in each namespace?",
    expr: 'sum by (namespace) (kube_pod_status_ready{condition="true"})',
    tab: "graph",
  },
  {
    needs: "kube_pod_container_status_ready",
    question: "Is each container ready?",
    expr: "kube_pod_container_status_ready",
    tab: "table",
  },
  {
    needs: "kube_pod_container_status_restarts_total",
    question: "Which pods have restarted most?",
    expr: "topk(5, sum by (namespace, pod) (kube_pod_container_status_restarts_total))",
    tab: "table",
  },
  {
    needs: "kube_pod_container_info",
    question: "Which images run, and in how many containers?",
    expr: "count by (image) (kube_pod_container_info)",
    tab: "table",
  },
  {
    needs: "http_requests_total",
    question: "How many requests are answered a second?",
    expr: "sum by (status) (rate(http_requests_total[1m]))",
    tab: "graph",
  },
]

/** Those whose metric is there, in an order to read. */
export function examples(names: readonly string[]): readonly Example[] {
  const there = new Set(names)
  return KNOWN.filter((each) => there.has(each.needs)).map(({ question, expr, tab }) => ({ question, expr, tab }))
}
