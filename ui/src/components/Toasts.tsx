import { CloseButton } from "@mantine/core"
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from "react"

interface Toast {
  readonly id: number
  readonly tone: "ok" | "bad"
  readonly title: string
  readonly text: string
}

type Tell = (tone: Toast["tone"], title: string, text?: string) => void

const Context = createContext<Tell>(() => undefined)
const SHOWN_MILLISECONDS = 8000

/** Says what came of an action; an error stays until it is closed. */
export function useTell(): Tell {
  return useContext(Context)
}

export function Toasts({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Toast[]>([])
  const close = useCallback((id: number) => setToasts((all) => all.filter((one) => one.id !== id)), [])
  const tell = useCallback<Tell>(
    (tone, title, text = "") => {
      const id = performance.now()
      setToasts((all) => [...all.slice(-3), { id, tone, title, text }])
      if (tone === "ok") setTimeout(() => close(id), SHOWN_MILLISECONDS)
    },
    [close],
  )
  const shown = useMemo(
    () =>
      toasts.map((toast) => (
        <div key={toast.id} className="card" style={{ padding: "12px 14px", display: "flex", gap: 10, boxShadow: "0 6px 24px rgb(0 0 0 / 0.18)" }}>
          <span aria-hidden="true" style={{ color: `var(--${toast.tone})` }}>
            {toast.tone === "ok" ? "✔" : "✖"}
          </span>
          <div style={{ flex: 1, minWidth: 0, overflowWrap: "anywhere" }}>
            <strong>{toast.title}</strong>
            {toast.text !== "" && <div className="faint">{toast.text}</div>}
          </div>
          <CloseButton aria-label="Close this message" onClick={() => close(toast.id)} />
        </div>
      )),
    [toasts, close],
  )
  return (
    <Context.Provider value={tell}>
      {children}
      <div className="toasts" role="status" aria-live="polite">
        {shown}
      </div>
    </Context.Provider>
  )
}
