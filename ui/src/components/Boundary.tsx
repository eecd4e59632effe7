import { Component, type ReactNode } from "react"
import { Problem } from "@/components/States"

/** A fault of the page itself ends one view, not the page. */
export class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state = { error: null as Error | null }

  static getDerivedStateFromError(error: Error) {
    return { error }
  }

  override render() {
    if (this.state.error === null) return this.props.children
    return (
      <Problem
        problem="This view broke."
        nextStep={`${this.state.error.message}. That is a fault of the page: please report it; reloading may help.`}
        onRetry={() => window.location.reload()}
      />
    )
  }
}
