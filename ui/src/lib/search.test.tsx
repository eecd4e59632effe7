import { act, renderHook } from "@testing-library/react"
import { afterEach, describe, expect, it } from "vitest"
import { useQuery } from "@/lib/search"

afterEach(() => window.history.replaceState(null, "", "/"))

describe("useQuery", () => {
  it("changes what it is told to, and keeps the rest", () => {
    window.history.replaceState(null, "", "/rollouts?ns=shop&q=web")
    const { result } = renderHook(() => useQuery())

    act(() => result.current[1]({ q: "", phase: "Degraded" }))

    expect(window.location.pathname + window.location.search).toBe("/rollouts?ns=shop&phase=Degraded")
  })

  it("leaves the address alone once another page is open", () => {
    window.history.replaceState(null, "", "/rollouts?q=web")
    const { result } = renderHook(() => useQuery())
    const change = result.current[1]

    act(() => window.history.pushState(null, "", "/rollouts/shop/web"))
    act(() => change({ q: "" }))

    expect(window.location.pathname).toBe("/rollouts/shop/web")
  })
})
