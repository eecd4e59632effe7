import { expect, it } from "vitest"
import { examples } from "@/lib/examples"

it("offers only what there are metrics for", () => {
  expect(examples([])).toEqual([])
  expect(examples(["go_goroutines", "up"]).map((each) => each.expr)).toEqual(["up"])
  expect(examples(["http_requests_total"]).map((each) => each.tab)).toEqual(["graph"])
})
