import "@/mantine.css"
import "@/page.css"
import { MantineProvider } from "@mantine/core"
import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import { App } from "@/App"
import { styleNonce } from "@/lib/nonce"
import { theme } from "@/theme"

// The scroll lock of dialogs makes a style of its own, and looks for its nonce here.
Object.assign(globalThis, { __webpack_nonce__: styleNonce() })

const root = document.getElementById("root")
if (root === null) throw new Error("index.html has no #root")
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={styleNonce}>
      <App />
    </MantineProvider>
  </StrictMode>,
)
