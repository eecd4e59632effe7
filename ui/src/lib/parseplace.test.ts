import { describe, expect, it } from "vitest"
import { parseMessage, parsePlace, pointed } from "@/lib/parseplace"

const PROBLEM = 'invalid parameter "query": 1:7: parse error: unclosed left parenthesis'

describe("parsePlace", () => {
  it("reads line and column, with and without the parameter before it", () => {
    expect(parsePlace(PROBLEM)).toEqual({ line: 1, column: 7 })
    expect(parsePlace("12:3: parse error: unexpected end of input")).toEqual({ line: 12, column: 3 })
  })

  it("finds none in other errors", () => {
    expect(parsePlace("query timed out in expression evaluation")).toBeNull()
    expect(parsePlace("Post http://10.0.0.1:9090: refused")).toBeNull()
  })
})

it("keeps the message alone", () => {
  expect(parseMessage(PROBLEM)).toBe("unclosed left parenthesis")
  expect(parseMessage("it took too long")).toBe("it took too long")
})

describe("pointed", () => {
  it("cuts the line at the place", () => {
    expect(pointed("sum(up) bx (a)", { line: 1, column: 9 })).toEqual({ before: "sum(up) ", at: "b", after: "x (a)", offset: 8 })
  })

  it("points behind the end of a line", () => {
    expect(pointed("sum(up", { line: 1, column: 7 })).toEqual({ before: "sum(up", at: "", after: "", offset: 6 })
  })

  it("counts lines, and bytes as Prometheus does", () => {
    expect(pointed('up\n{a="é"} )', { line: 2, column: 10 })).toEqual({ before: '{a="é"} ', at: ")", after: "", offset: 11 })
  })

  it("points nowhere when there is no such line", () => {
    expect(pointed("up", { line: 3, column: 1 })).toBeNull()
  })
})
