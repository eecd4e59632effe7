import { Empty } from "@/components/States"
import { useTitle } from "@/lib/title"

/** An address that leads nowhere. */
export function NotFound() {
  useTitle("Not found")
  return (
    <>
      <h1 className="visually-hidden">Not found</h1>
      <Empty title="There is no such page">
        <p>Choose Applications, Rollouts or Metrics above.</p>
      </Empty>
    </>
  )
}
