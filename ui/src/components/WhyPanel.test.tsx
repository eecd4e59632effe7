import { cleanup, screen, within } from "@testing-library/react"
import { afterEach, describe, expect, it } from "vitest"
import type { Why } from "@/api/types"
import { renderPage } from "@/components/testing"
import { WhyPanel } from "@/components/WhyPanel"

const WHY: Why = {
  tone: "bad",
  lines: ["The canary was aborted.", "<b>bad_data</b>"],
  evidence: [
    { kind: "measurement", text: "restarts Failed: [3]", at: "2026-01-01T12:00:00Z", href: "/rollouts/shop/web/analysis/web-2-1" },
    { kind: "object", text: "It comes from a template", at: "", href: "" },
  ],
  nextStep: "Mend the query.",
  commands: ["kubectl argo rollouts retry rollout web -n shop"],
  reasons: ["RolloutAborted"],
}

describe("why", () => {
  afterEach(cleanup)

  it("tells the lines, the evidence with links, the next step and the command", () => {
    renderPage(<WhyPanel why={WHY} />)
    const panel = within(screen.getByRole("region", { name: "Why" }))
    expect(panel.getByRole("heading", { name: "Why" })).toBeTruthy()
    const facts = within(panel.getByRole("list", { name: "Evidence" })).getAllByRole("listitem")
    expect(facts.map((one) => one.querySelector(".evidence-kind")?.textContent)).toEqual(["Measured: ", "Object: "])
    expect(panel.getByRole("link", { name: "restarts Failed: [3]" }).getAttribute("href")).toBe("/rollouts/shop/web/analysis/web-2-1")
    expect(panel.queryByRole("link", { name: "It comes from a template" })).toBeNull()
    expect(panel.getByText("Mend the query.")).toBeTruthy()
    expect(panel.getByRole("button", { name: /^Copy kubectl argo rollouts retry/ })).toBeTruthy()
  })

  it("shows what comes from the cluster as text", () => {
    const { container } = renderPage(<WhyPanel why={WHY} />)
    expect(screen.getByText("<b>bad_data</b>")).toBeTruthy()
    expect(container.querySelector("b")).toBeNull()
  })

  it("has no empty parts when all is well", () => {
    const { container } = renderPage(<WhyPanel why={{ ...WHY, tone: "good", lines: ["All pods run web:2."], evidence: [], nextStep: "", commands: [], reasons: [] }} />)
    expect(screen.queryByRole("list", { name: "Evidence" })).toBeNull()
    expect(container.querySelectorAll(".why p")).toHaveLength(1)
  })

  it("sets conditions as code", () => {
    const { container } = renderPage(<WhyPanel why={{ ...WHY, lines: ["It is not `result[0] > 0`."], commands: [] }} />)
    expect(container.querySelector("code")?.textContent).toBe("result[0] > 0")
  })

  it("can say the same twice", () => {
    renderPage(<WhyPanel why={{ ...WHY, lines: ["Again.", "Again."] }} />)
    expect(screen.getAllByText("Again.")).toHaveLength(2)
  })
})
