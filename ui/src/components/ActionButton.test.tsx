import { cleanup, fireEvent, screen, waitFor, within } from "@testing-library/react"
import { afterEach, describe, expect, it } from "vitest"
import { ApiError } from "@/api/http"
import type { Action, Done } from "@/api/types"
import { ActionButton } from "@/components/ActionButton"
import { renderPage } from "@/components/testing"

const ABORT: Action = { name: "abort", label: "Abort", consequence: "The new version gives its traffic back.", isDangerous: true, refused: "" }

/** An action that is run by hand. */
function deed() {
  let times = 0
  let settle: { done: (done: Done) => void; failed: (error: unknown) => void } = { done: () => undefined, failed: () => undefined }
  return {
    times: () => times,
    settle: () => settle,
    run: () => {
      times += 1
      return new Promise<Done>((done, failed) => (settle = { done, failed }))
    },
  }
}

function dialog() {
  return within(screen.getByRole("dialog"))
}

describe("a button that does something", () => {
  afterEach(cleanup)

  it("says what will happen, and does it only once that was agreed to", async () => {
    const { run, times, settle } = deed()
    renderPage(<ActionButton action={ABORT} run={run} />)
    fireEvent.click(screen.getByRole("button", { name: "Abort" }))
    expect(dialog().getByText(ABORT.consequence)).toBeTruthy()
    expect(times()).toBe(0)
    fireEvent.click(dialog().getByRole("button", { name: "Abort" }))
    expect(times()).toBe(1)
    settle().done({ message: "web is aborted" })
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull())
    expect(screen.getByText("web is aborted")).toBeTruthy()
  })

  it("does nothing when it was thought better of", async () => {
    const { run, times } = deed()
    renderPage(<ActionButton action={ABORT} run={run} />)
    fireEvent.click(screen.getByRole("button", { name: "Abort" }))
    fireEvent.click(dialog().getByRole("button", { name: "Cancel" }))
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull())
    expect(times()).toBe(0)
  })

  it("is done once, however often it is clicked", () => {
    const { run, times } = deed()
    renderPage(<ActionButton action={ABORT} run={run} />)
    fireEvent.click(screen.getByRole("button", { name: "Abort" }))
    const agree = dialog().getByRole("button", { name: "Abort" })
    fireEvent.click(agree)
    fireEvent.click(agree)
    expect(times()).toBe(1)
  })

  it("keeps asking when it failed, and tells why and what to do", async () => {
    const { run, settle } = deed()
    renderPage(<ActionButton action={ABORT} run={run} />)
    fireEvent.click(screen.getByRole("button", { name: "Abort" }))
    fireEvent.click(dialog().getByRole("button", { name: "Abort" }))
    settle().failed(new ApiError(409, "web is not being updated.", "Look again."))
    await waitFor(() => expect(screen.getByText("web is not being updated.")).toBeTruthy())
    expect(screen.getByText("Look again.")).toBeTruthy()
    expect(screen.getByRole("dialog")).toBeTruthy()
  })

  it("says why it cannot, can be reached with the keyboard, and asks nothing", () => {
    const { run } = deed()
    renderPage(<ActionButton action={{ ...ABORT, refused: "Nothing is being updated." }} run={run} />)
    const button = screen.getByRole("button", { name: "Abort" })
    expect(button.getAttribute("aria-disabled")).toBe("true")
    expect(button.getAttribute("aria-description")).toBe("Nothing is being updated.")
    expect(button.hasAttribute("disabled")).toBe(false)
    fireEvent.click(button)
    expect(screen.queryByRole("dialog")).toBeNull()
  })

  it("waits for what has to be filled in", () => {
    const { run, times } = deed()
    renderPage(
      <ActionButton action={ABORT} run={run} isComplete={false}>
        <input aria-label="Image" />
      </ActionButton>,
    )
    fireEvent.click(screen.getByRole("button", { name: "Abort" }))
    expect(dialog().getByRole("textbox", { name: "Image" })).toBeTruthy()
    fireEvent.click(dialog().getByRole("button", { name: "Abort" }))
    expect(times()).toBe(0)
  })
})
