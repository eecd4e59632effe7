import { describe, expect, it } from "vitest"
import type { DiffLine } from "@/api/types"
import { changed, pairs, pieces, yamlParts } from "@/lib/manifestdiff"

const same = (count: number): DiffLine[] => Array.from({ length: count }, (_, index) => ({ kind: " ", text: `same ${index}`, live: index + 1, desired: index + 1 }))
const gone = (text: string): DiffLine => ({ kind: "-", text, live: 1, desired: null })
const come = (text: string): DiffLine => ({ kind: "+", text, live: null, desired: 1 })

describe("a diff", () => {
  it("is folded far from changes", () => {
    const found = pieces([...same(10), gone("a"), come("b"), ...same(20)])
    expect(found.map((one) => [one.isFolded, one.start, one.lines.length])).toEqual([
      [true, 0, 7],
      [false, 7, 8],
      [true, 15, 17],
    ])
  })

  it("does not fold what is as long as the fold", () => {
    const found = pieces([gone("a"), ...same(8), gone("b")])
    expect(found.map((one) => one.isFolded)).toEqual([false])
    expect(found[0]?.lines).toHaveLength(10)
  })

  it("is one piece without a change, and none without lines", () => {
    expect(pieces(same(30)).map((one) => one.isFolded)).toEqual([false])
    expect(pieces([])).toEqual([])
  })

  it("puts what came beside what went", () => {
    const found = pairs([...same(1), gone("a"), gone("b"), come("c"), ...same(1)])
    expect(found.map((one) => [one.live?.text ?? null, one.desired?.text ?? null])).toEqual([
      ["same 0", "same 0"],
      ["a", "c"],
      ["b", null],
      ["same 0", "same 0"],
    ])
  })

  it("counts what changed", () => {
    expect(changed([gone("a"), gone("b"), come("c"), ...same(2)])).toEqual({ added: 1, removed: 2 })
  })
})

describe("a line of YAML", () => {
  it.each([
    ["  - name: web", ["  - ", "name", ": web"]],
    ["spec:", ["", "spec", ":"]],
    ["  image: a/b:1", ["  ", "image", ": a/b:1"]],
    ["  - just text", ["", "", "  - just text"]],
    ['  "quoted: key"', ["", "", '  "quoted: key"']],
    ["- url: http://x", ["- ", "url", ": http://x"]],
  ])("%s", (line, expected) => expect(yamlParts(line)).toEqual(expected))
})
