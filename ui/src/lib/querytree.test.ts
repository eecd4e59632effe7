import { describe, expect, it } from "vitest"
import type { QueryNode } from "@/api/types"
import { culprits, isEmpty, kindWords } from "@/lib/querytree"

function node(text: string, count: number, children: readonly QueryNode[] = [], problem = ""): QueryNode {
  return {
    text,
    kind: "vectorSelector",
    start: 0,
    end: text.length,
    valueType: "vector",
    count,
    value: "",
    series: [],
    labels: {},
    problem,
    note: "",
    milliseconds: 0,
    children,
  }
}

const texts = (found: readonly QueryNode[]) => found.map((each) => each.text)

describe("culprits", () => {
  it("finds the innermost part that is empty", () => {
    const whole = node("sum(a) / count(b)", 0, [node("sum(a)", 0, [node("a", 0)]), node("count(b)", 1, [node("b", 7)])])
    expect(texts(culprits(whole))).toEqual(["a"])
  })

  it("names the part itself when what it is made of is worth something", () => {
    expect(texts(culprits(node("up == 5", 0, [node("up", 3)])))).toEqual(["up == 5"])
  })

  it("blames nothing in a query that is worth something", () => {
    expect(culprits(node("a or b", 2, [node("a", 0), node("b", 2)]))).toEqual([])
  })

  it("says first what fails", () => {
    const whole = node("a + f(b)", 0, [node("a", 0), node("f(b)", 0, [node("b", 2)], "it fails")])
    expect(texts(culprits(whole))).toEqual(["f(b)"])
  })
})

it("takes no scalar for empty", () => {
  expect(isEmpty({ ...node("1", 0), valueType: "scalar" })).toBe(false)
})

it("calls kinds by plain words, and leaves those that it does not know", () => {
  expect([kindWords("binaryExpr"), kindWords("novelty")]).toEqual(["operation", "novelty"])
})
