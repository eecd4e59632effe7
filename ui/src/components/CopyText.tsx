import { ActionIcon, CopyButton } from "@mantine/core"

function CopyIcon() {
  return (
    <svg width="13" height="13" viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.6" aria-hidden="true">
      <rect x="5.5" y="5.5" width="9" height="9" rx="1.5" />
      <path d="M10.5 2.5v-.5a.5.5 0 0 0-.5-.5h-8a.5.5 0 0 0-.5.5v8c0 .3.2.5.5.5h.5" />
    </svg>
  )
}

/** A piece of text in type, with a button that copies it. */
export function CopyText({ text, isBlock = false }: { text: string; isBlock?: boolean }) {
  return (
    <span style={{ display: isBlock ? "flex" : "inline-flex", alignItems: "flex-start", gap: 6, maxWidth: "100%" }}>
      <code style={{ whiteSpace: "pre-wrap", minWidth: 0, flex: isBlock ? 1 : undefined }}>{text}</code>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <ActionIcon variant="subtle" color="gray" size="sm" onClick={copy} aria-label={copied ? "Copied" : `Copy ${text.slice(0, 60)}`}>
            {copied ? <span aria-hidden="true">✔</span> : <CopyIcon />}
          </ActionIcon>
        )}
      </CopyButton>
    </span>
  )
}
