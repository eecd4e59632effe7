import { describe, expect, it } from "vitest"
import { apply, Parser, type Known, type StreamEvent, type TopicState } from "@/lib/stream"

const HELLO = 'event: hello\ndata: {"now":"2026-01-01T12:00:00.000Z","epoch":"e"}\n\n'
const TWO: StreamEvent = { type: "snapshot", topic: "rollouts", rows: [{ key: "shop/a" }, { key: "shop/b" }] }
const BROKEN: StreamEvent = { type: "row-problem", topic: "rollouts", key: "shop/a", problem: "it is odd", nextStep: "Mend it." }

function after(...events: readonly StreamEvent[]): Known {
  return events.reduce(apply, new Map<string, TopicState>())
}

function rowsOf(known: Known, topic = "rollouts") {
  const found = known.get(topic)
  if (found?.kind !== "rows") throw new Error(`no rows of ${topic}`)
  return found
}

describe("the parser", () => {
  it("gives an event once it is whole, wherever the text was cut", () => {
    for (let cut = 0; cut <= HELLO.length; cut += 1) {
      const parser = new Parser()
      const events = [...parser.push(HELLO.slice(0, cut)), ...parser.push(HELLO.slice(cut))]
      expect(events).toEqual([{ type: "hello", now: "2026-01-01T12:00:00.000Z", epoch: "e" }])
    }
  })

  it("gives several events of one piece in their order", () => {
    const parser = new Parser()
    const text = `retry: 500\n${HELLO}event: ping\ndata: {"now":"2026-01-01T12:00:05.000Z"}\n\nevent: pi`
    expect(parser.push(text).map((event) => event.type)).toEqual(["hello", "ping"])
    expect(parser.push('ng\ndata: {"now":""}\n\n').map((event) => event.type)).toEqual(["ping"])
  })

  it("joins the lines of data and keeps what is in them", () => {
    const text = 'event: value\ndata: {"topic":"a",\ndata: "value":"event: ping ✔"}\n\n'
    expect(new Parser().push(text)).toEqual([{ type: "value", topic: "a", value: "event: ping ✔" }])
  })

  it("passes over comments, events without data, and events that nobody knows", () => {
    expect(new Parser().push(': hi\n\nevent: ping\n\nevent: later\ndata: {"a":1}\n\ndata: {"a":1}\n\n')).toEqual([])
  })

  it("knows a problem of one row", () => {
    const text = 'event: row-problem\ndata: {"topic":"rollouts","problem":"it is odd","nextStep":"Mend it.","key":"shop/a"}\n\n'
    expect(new Parser().push(text)).toEqual([BROKEN])
  })
})

describe("what is known", () => {
  it("is whole with a snapshot, and changes row by row", () => {
    const known = after(TWO, { type: "change", topic: "rollouts", rows: [{ key: "shop/c" }], gone: ["shop/a"] })
    expect([...rowsOf(known).rows.keys()]).toEqual(["shop/b", "shop/c"])
    expect([...rowsOf(apply(known, { ...TWO, rows: [{ key: "shop/z" }] })).rows.keys()]).toEqual(["shop/z"])
  })

  it("is never edited: whoever holds it keeps what they saw", () => {
    const before = after(TWO)
    apply(before, { type: "change", topic: "rollouts", rows: [], gone: ["shop/a", "shop/b"] })
    expect(rowsOf(before).rows.size).toBe(2)
  })

  it("stays the same object for an event without a topic, so that nothing is drawn anew", () => {
    const known = after(TWO)
    expect(apply(known, { type: "ping", now: "" })).toBe(known)
    expect(apply(known, { type: "hello", now: "", epoch: "" })).toBe(known)
  })

  it("keeps topics apart, and a value that is null apart from none", () => {
    const known = after(TWO, { type: "value", topic: "rollout/shop/a", value: null })
    expect(known.get("rollout/shop/a")).toEqual({ kind: "value", value: null })
    expect(known.get("rollout/shop/b")).toBeUndefined()
    expect(rowsOf(known).rows.size).toBe(2)
  })

  it("has the problem of a topic until it can be shown again", () => {
    const known = after(TWO, { type: "problem", topic: "rollouts", problem: "broken", nextStep: "Report it." })
    expect(known.get("rollouts")).toEqual({ kind: "problem", problem: "broken", nextStep: "Report it." })
    expect(rowsOf(apply(known, TWO)).rows.size).toBe(2)
  })
})

describe("a row that cannot be shown", () => {
  it("stays as it was known, with its problem beside it", () => {
    const { rows, broken } = rowsOf(after(TWO, BROKEN))
    expect([...rows.keys()]).toEqual(["shop/a", "shop/b"])
    expect([...broken.values()]).toEqual([{ key: "shop/a", problem: "it is odd", nextStep: "Mend it." }])
  })

  it("is named even when it was never known", () => {
    const { rows, broken } = rowsOf(after({ ...TWO, rows: [] }, BROKEN))
    expect([rows.size, [...broken.keys()]]).toEqual([0, ["shop/a"]])
  })

  it.each<StreamEvent>([
    { type: "change", topic: "rollouts", rows: [{ key: "shop/a" }], gone: [] },
    { type: "change", topic: "rollouts", rows: [], gone: ["shop/a"] },
    TWO,
  ])("is well again once the server tells how it is, or that it is gone", (event) => {
    expect(rowsOf(after(TWO, BROKEN, event)).broken.size).toBe(0)
  })

  it("keeps its problem while others change", () => {
    const known = after(TWO, BROKEN, { type: "change", topic: "rollouts", rows: [{ key: "shop/b" }], gone: [] })
    expect([...rowsOf(known).broken.keys()]).toEqual(["shop/a"])
  })

  it("does not make an empty list of a topic whose rows are not known yet", () => {
    expect(after(BROKEN).size).toBe(0)
  })
})
