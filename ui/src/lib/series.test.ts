import { describe, expect, it } from "vitest"
import { columns, commonLabels, familyOf, fuzzy, fuzzyScore, labelCounts, ordered, seriesName, stacked, toggled, withoutLabels, type Matrix } from "@/lib/series"

describe("a series' name", () => {
  it("is as PromQL writes it, with sorted labels", () => {
    expect(seriesName({ __name__: "up", job: "web", instance: 'a"b' })).toBe('up{instance="a\\"b", job="web"}')
    expect(seriesName({ __name__: "up" })).toBe("up")
    expect(seriesName({})).toBe("{}")
    expect(seriesName({ job: "x" })).toBe('{job="x"}')
  })

  it("quotes what is no plain name", () => {
    expect(seriesName({ __name__: "http.requests", "k8s.pod": "a" })).toBe('{"http.requests", "k8s.pod"="a"}')
  })
})

describe("a matrix as columns", () => {
  const matrix: Matrix = {
    resultType: "matrix",
    result: [
      { metric: { a: "1" }, values: [[10, "1"], [20, "NaN"], [30, "3"]] },
      { metric: { a: "2" }, values: [[20, "5"], [30, "+Inf"]] },
    ],
  }

  it("has gaps where there is nothing to draw", () => {
    expect(columns(matrix, 10_000, 30_000, 10_000)).toEqual({ times: [10, 20, 30], values: [[1, null, 3], [null, 5, null]] })
  })

  it("stacks what is shown", () => {
    const values = [[1, 1], [2, null], [4, 4]]
    expect(stacked(values, [true, true, true])).toEqual([[1, 1], [3, 1], [7, 5]])
    expect(stacked(values, [true, false, true])).toEqual([[1, 1], [2, null], [5, 5]])
  })
})

it("shows one series alone, all again, or one more", () => {
  expect(toggled([true, true, true], 1, false)).toEqual([false, true, false])
  expect(toggled([false, true, false], 1, false)).toEqual([true, true, true])
  expect(toggled([false, true, false], 0, true)).toEqual([true, true, false])
  expect(toggled([false, true, false], 1, true)).toEqual([true, true, true])
})

it("takes out what all series have alike", () => {
  const all = [{ __name__: "x", job: "a", pod: "1" }, { __name__: "x", job: "a", pod: "2" }]
  expect(commonLabels(all)).toEqual({ job: "a" })
  expect(commonLabels(all.slice(0, 1))).toEqual({})
  expect(withoutLabels({ __name__: "x", job: "a", pod: "1" }, { job: "a" })).toEqual({ __name__: "x", pod: "1" })
})

it("sorts by name and value, NaN last", () => {
  const names = ["c", "a", "b"]
  const values = [Number.NaN, 2, 1]
  expect(ordered(names, values, "answered")).toEqual([0, 1, 2])
  expect(ordered(names, values, "name")).toEqual([1, 2, 0])
  expect(ordered(names, values, "value")).toEqual([2, 1, 0])
  expect(ordered(names, values, "value-down")).toEqual([1, 2, 0])
})

it("counts labels and their values", () => {
  const counts = labelCounts([{ __name__: "x", a: "1", b: "1" }, { __name__: "x", a: "2", b: "1" }, { __name__: "x", a: "2" }])
  expect(counts).toEqual([
    { name: "a", values: [["2", 2], ["1", 1]] },
    { name: "b", values: [["1", 2]] },
  ])
})

it("knows the family of a histogram's parts", () => {
  const isKnown = (name: string) => name === "http_seconds"
  expect(familyOf("http_seconds_bucket", isKnown)).toBe("http_seconds")
  expect(familyOf("other_bucket", isKnown)).toBe("other_bucket")
})

describe("fuzzy search", () => {
  const names = ["kube_pod_container_status_ready", "kube_pod_init_container_status_ready", "kube_node_info"]

  it("finds letters in order, also with others between them", () => {
    expect(fuzzy("kube_pod_container_status_", names, (name) => name)).toEqual(names.slice(0, 2))
    expect(fuzzyScore("kni", "kube_node_info")).not.toBeNull()
    expect(fuzzyScore("ink", "kube_node_info")).toBeNull()
  })

  it("prefers what is together", () => {
    expect(fuzzy("ready", ["r_e_a_d_y", "is_ready"], (name) => name)[0]).toBe("is_ready")
  })
})
