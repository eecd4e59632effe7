import { ActionIcon, CopyButton } from "@mantine/core"

/** A piece of text in type, with a button that copies it. */
export function CopyText({ text, isBlock = false }: { text: string; isBlock?: boolean }) {
  return (
    <span style={{ display: isBlock ? "flex" : "inline-flex", alignItems: "flex-start", gap: 6, maxWidth: "100%" }}>
      <code style={{ whiteSpace: "pre-wrap", minWidth: 0, flex: isBlock ? 1 : undefined }}>{text}</code>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <ActionIcon variant="subtle" color="gray" size="sm" onClick={copy} aria-label={copied ? "Copied" : `Copy ${text.slice(0, 60)}`}>
            <span aria-hidden="true">{copied ? "✔" : "⧉"}</span>
          </ActionIcon>
        )}
      </CopyButton>
    </span>
  )
}
