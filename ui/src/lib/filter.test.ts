import { describe, expect, it } from "vitest"
import { isFound, terms } from "@/lib/filter"

const WEB = { namespace: "shop", name: "web-Front", labels: { app: "web", "app.kubernetes.io/team": "Blue Sky" } }

const finds = (search: string) => isFound(WEB, terms(search))

describe("a search", () => {
  it.each([
    ["", true],
    ["   ", true],
    ["web", true],
    ["WEB front", true],
    ["web back", false],
    ["shop/web", true],
    ["shop", false],
    ['"web-Front"', true],
    ['"web"', false],
    ['"web-front"', false],
    ['""', true],
    ["app:web", true],
    ["app:we", true],
    ["app:", true],
    ["nothing:", false],
    ['app:"we"', false],
    ['app:"web"', true],
    ["team:blue", true],
    ['team:"Blue Sky"', true],
    ["app.kubernetes.io/team:sky web", true],
    ["app:web team:red", false],
    ['app:""', false],
    ["tier:web", false],
  ])("%s is found: %s", (search, expected) => {
    expect(finds(search)).toBe(expected)
  })

  it("is read while it is typed", () => {
    expect(terms('team:"Blue S')).toEqual([{ label: "team", text: "Blue S", isExact: true }])
    expect(terms('"web')).toEqual([{ label: "", text: "web", isExact: true }])
  })

  it("keeps colons in a value", () => {
    expect(terms("image:web:1.0")).toEqual([{ label: "image", text: "web:1.0", isExact: false }])
  })
})
