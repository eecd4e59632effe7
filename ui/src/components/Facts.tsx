import type { ReactNode } from "react"

/** One line of a `<dl className="facts">`. isWide: what it says stands below its name. */
export function Fact({ name, isWide = false, children }: { name: ReactNode; isWide?: boolean; children: ReactNode }) {
  return (
    <div data-wide={isWide}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
