import { MantineProvider } from "@mantine/core"
import { render } from "@testing-library/react"
import type { ReactNode } from "react"
import { Toasts } from "@/components/Toasts"
import { theme } from "@/theme"

/** Render something as it is on the page; what the browser of the tests does not have is stood in for. */
export function renderPage(children: ReactNode) {
  window.matchMedia ??= (media: string) =>
    ({ media, matches: false, onchange: null, addEventListener: nothing, removeEventListener: nothing, dispatchEvent: () => false }) as unknown as MediaQueryList
  globalThis.ResizeObserver ??= class {
    observe = nothing
    unobserve = nothing
    disconnect = nothing
  }
  return render(
    <MantineProvider theme={theme} env="test">
      <Toasts>{children}</Toasts>
    </MantineProvider>,
  )
}

function nothing(): void {
  // there is nothing to observe
}
