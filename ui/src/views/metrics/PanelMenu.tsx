import { ActionIcon, CopyButton, Menu } from "@mantine/core"
import { useState } from "react"
import { forgetHistory, history } from "@/views/metrics/history"

/** What else can be done with a query, and the earlier ones. */
export function PanelMenu({
  draft,
  isOnly,
  onFormat,
  onChoose,
  onRemove,
}: {
  draft: string
  isOnly: boolean
  onFormat: () => void
  onChoose: (text: string) => void
  onRemove: () => void
}) {
  const [earlier, setEarlier] = useState<readonly string[]>([])
  return (
    <Menu position="bottom-end" width={420} onOpen={() => setEarlier(history())} withinPortal={false} withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <ActionIcon variant="default" size={36} aria-label="More: format, history, remove">
          <span aria-hidden="true">⋮</span>
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown className="panel-menu">
        <Menu.Item disabled={draft.trim() === ""} onClick={onFormat}>
          Format the expression
        </Menu.Item>
        <CopyButton value={draft}>{({ copy }) => <Menu.Item onClick={copy}>Copy the expression</Menu.Item>}</CopyButton>
        {!isOnly && <Menu.Item onClick={onRemove}>Remove this query</Menu.Item>}
        {earlier.length > 0 && (
          <>
            <Menu.Divider />
            <Menu.Label className="menu-label">Earlier queries</Menu.Label>
            {earlier.map((text) => (
              <Menu.Item key={text} className="mono history-item" onClick={() => onChoose(text)}>
                {text}
              </Menu.Item>
            ))}
            <Menu.Divider />
            <Menu.Item onClick={forgetHistory}>Forget them</Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}
