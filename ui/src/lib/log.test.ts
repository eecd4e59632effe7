import { describe, expect, it } from "vitest"
import { asText, filtered, highlighted, LogBuffer, newerThan, plain, toneOf } from "@/lib/log"

describe("a line", () => {
  it.each([
    ["\u001b[31mred\u001b[0m text", "red text"],
    ["\u001b[1;38;5;208mmany\u001b[m", "many"],
    ["\u001b]0;title\u0007after", "after"],
    ["\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\", "link"],
    ["ends like Windows\r", "ends like Windows"],
    ["10%\r50%\r100%", "100%"],
    ["bell\u0007 and null\u0000", "bell and null"],
    ["tab\tstays", "tab\tstays"],
    ["<b>&amp;</b> ünï", "<b>&amp;</b> ünï"],
  ])("%j reads as %j", (line, expected) => {
    expect(plain(line)).toBe(expected)
  })

  it.each([
    ["2026-01-05 ERROR it broke", "bad"],
    ['{"level":"error","msg":"x"}', "bad"],
    ["level=warn msg=slow", "hold"],
    ["E0105 09:00:00 x.go:1] no", "bad"],
    ["no errors at all", ""],
    ["/terror", ""],
  ] as const)("%j is as bad as %j", (line, expected) => {
    expect(toneOf(line)).toBe(expected)
  })
})

describe("a log", () => {
  it("puts lines together that come in pieces", () => {
    const log = new LogBuffer()
    log.push("one\ntw")
    log.push("o\nthree")
    expect(log.snapshot().map((line) => line.text)).toEqual(["one", "two"])
    log.end()
    expect(log.snapshot().map((line) => line.text)).toEqual(["one", "two", "three"])
    log.end()
    expect(log.total).toBe(3)
  })

  it("keeps the newest lines and their numbers", () => {
    const log = new LogBuffer(3)
    for (let number = 0; number < 20; number += 1) log.push(`${number}\n`)
    expect(log.snapshot()).toEqual([17, 18, 19].map((number) => ({ number, text: String(number) })))
    expect(log.dropped).toBe(17)
  })

  it("takes a hundred thousand lines in well under a second", () => {
    const log = new LogBuffer()
    const piece = Array.from({ length: 1000 }, (_, index) => `\u001b[32mline\u001b[0m ${index} of something that is written often\n`).join("")
    const begun = performance.now()
    for (let count = 0; count < 100; count += 1) log.push(piece)
    expect(performance.now() - begun).toBeLessThan(1500)
    expect(log.snapshot()).toHaveLength(10_000)
  })

  it("knows what came since it was held", () => {
    const log = new LogBuffer(3)
    log.push("0\n1\n2\n3\n")
    const held = log.snapshot()
    expect(newerThan(held, held)).toEqual([])
    log.push("4\n")
    expect(newerThan(held, log.snapshot()).map((line) => line.number)).toEqual([4])
    log.push("5\n6\n7\n8\n")
    expect(newerThan(held, log.snapshot()).map((line) => line.number)).toEqual([6, 7, 8])
  })

  it("is text again, with its escapes gone", () => {
    const log = new LogBuffer()
    log.push("a\n\nb\n")
    expect(asText(log.snapshot())).toBe("a\n\nb\n")
  })
})

describe("a filter", () => {
  const lines = ["GET /ready 200", "get /live 500", "POST"].map((text, number) => ({ number, text }))

  it("finds a text in any case", () => {
    expect(filtered(lines, "GET").map((line) => line.number)).toEqual([0, 1])
    expect(filtered(lines, "")).toBe(lines)
    expect(filtered(lines, ".*")).toEqual([])
  })

  it("shows where", () => {
    expect(highlighted("Get and get", "get")).toEqual(["", "Get", " and ", "get", ""])
    expect(highlighted("nothing", "get")).toEqual(["nothing"])
    expect(highlighted("İget", "get").join("")).toBe("İget")
  })
})
