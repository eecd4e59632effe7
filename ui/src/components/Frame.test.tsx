import { act, cleanup, fireEvent, screen, waitFor } from "@testing-library/react"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { live } from "@/api/live"
import type { Session } from "@/api/types"
import { Frame } from "@/components/Frame"
import { RowProblems } from "@/components/RowProblems"
import { renderPage } from "@/components/testing"

const SESSION: Session = {
  cluster: "canarium",
  mode: "up",
  version: "1",
  isReadOnly: false,
  namespaces: ["shop"],
  problem: "",
  since: "",
  missing: [],
  hasMetrics: true,
  metricsProblem: "",
  canDiff: true,
}

/** A server that refuses connections until it is told to speak. */
let answer: () => Promise<Response>
let leave: () => void

beforeEach(() => {
  answer = () => Promise.reject(new TypeError("Failed to fetch"))
  vi.stubGlobal("fetch", () => answer())
  leave = live.want("rollouts")
})

afterEach(() => {
  leave()
  cleanup()
  vi.unstubAllGlobals()
})

function speak(...events: readonly string[]) {
  answer = () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (const event of events) controller.enqueue(new TextEncoder().encode(event))
      },
    })
    return Promise.resolve(new Response(body))
  }
}

describe("the frame", () => {
  it("says that the connection is lost and that what is shown is old, until it is there again", async () => {
    const { container } = renderPage(<Frame session={SESSION}>here</Frame>)
    await waitFor(() => expect(screen.getByRole("alert").textContent).toContain("Connection lost"))
    expect(container.querySelector("main")?.getAttribute("data-stale")).toBe("true")
    speak('event: hello\ndata: {"now":"2026-01-01T12:00:00.000Z","epoch":"e"}\n\n')
    fireEvent.click(screen.getByRole("button", { name: "Try now" }))
    await waitFor(() => expect(screen.queryByRole("alert")).toBeNull())
    expect(container.querySelector("main")?.getAttribute("data-stale")).toBe("false")
  })

  it("says that the cluster does not answer, though the page is connected", async () => {
    speak('event: hello\ndata: {"now":"2026-01-01T12:00:00.000Z","epoch":"e"}\n\n')
    await act(async () => {
      live.reconnect()
      await Promise.resolve()
    })
    renderPage(<Frame session={{ ...SESSION, problem: "connection refused", since: "2026-01-01T11:59:00Z" }}>here</Frame>)
    await waitFor(() => expect(screen.getByRole("alert").textContent).toContain("connection refused"))
    expect(screen.getByRole("alert").textContent).toContain("The cluster does not answer")
  })

  it("says that nothing can be changed when that is so", () => {
    renderPage(<Frame session={{ ...SESSION, isReadOnly: true }}>here</Frame>)
    expect(screen.getByText("read-only")).toBeTruthy()
  })
})

describe("rows that cannot be shown", () => {
  it("are named, with what to do, until they can be", async () => {
    speak(
      'event: snapshot\ndata: {"topic":"rollouts","rows":[]}\n\n',
      'event: row-problem\ndata: {"topic":"rollouts","key":"shop/web","problem":"shop/web cannot be shown: KeyError in canarium","nextStep":"Please report it."}\n\n',
    )
    renderPage(<RowProblems topic="rollouts" />)
    expect(screen.queryByRole("alert")).toBeNull()
    act(() => live.reconnect())
    await waitFor(() => expect(screen.getByRole("alert").textContent).toBe("shop/web cannot be shown: KeyError in canarium. Please report it."))
    speak('event: snapshot\ndata: {"topic":"rollouts","rows":[{"key":"shop/web"}]}\n\n')
    act(() => live.reconnect())
    await waitFor(() => expect(screen.queryByRole("alert")).toBeNull())
  })
})
