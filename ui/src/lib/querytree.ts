/** Which parts of a query are to blame for its being empty, and how its parts are called. Pure. */

import type { QueryNode } from "@/api/types"

/** Whether a part is worth nothing; a scalar or a string always is something. */
export function isEmpty(node: QueryNode): boolean {
  return node.problem === "" && node.count === 0 && node.valueType !== "scalar" && node.valueType !== "string"
}

/**
 * The innermost parts that fail or are empty, and make the whole so: what has to be looked at first.
 *
 * None when the whole is worth something: then a part that is empty, as one side of an `or`, is nobody's trouble.
 */
export function culprits(node: QueryNode): readonly QueryNode[] {
  if (node.problem === "" && !isEmpty(node)) return []
  const below = node.children.flatMap(culprits)
  const failing = below.filter((each) => each.problem !== "")
  if (failing.length > 0) return failing
  return below.length > 0 && node.problem === "" ? below : [node]
}

const KINDS: Readonly<Record<string, string>> = {
  aggregation: "aggregation",
  binaryExpr: "operation",
  call: "function",
  matrixSelector: "range selector",
  numberLiteral: "number",
  parenExpr: "in parentheses",
  stringLiteral: "text",
  subquery: "subquery",
  unaryExpr: "sign",
  vectorSelector: "selector",
}

/** Prometheus' name of a kind of part in plain words. */
export function kindWords(kind: string): string {
  return KINDS[kind] ?? kind
}
