import { Button, Group, Modal, Stack, Text, Tooltip } from "@mantine/core"
import { useDisclosure } from "@mantine/hooks"
import { useState, type ReactNode } from "react"
import { asApiError } from "@/api/http"
import type { Action, Done } from "@/api/types"
import { useTell } from "@/components/Toasts"

const CLOSE = { "aria-label": "Close" }

/**
 * Something that can be done. It says why it cannot, and before it is done what will happen.
 *
 * children: fields of the confirmation. isComplete: whether they are filled in.
 */
export function ActionButton({
  action,
  run,
  size = "sm",
  children,
  isComplete = true,
  onOpen,
}: {
  action: Action
  run: () => Promise<Done>
  size?: "xs" | "sm"
  children?: ReactNode
  isComplete?: boolean
  onOpen?: () => void
}) {
  const [isOpen, { open, close }] = useDisclosure(false)
  const [isBusy, setBusy] = useState(false)
  const tell = useTell()
  const isRefused = action.refused !== ""

  async function confirm() {
    setBusy(true)
    try {
      const done = await run()
      tell("ok", done.message)
      close()
    } catch (error) {
      const failed = asApiError(error)
      tell("bad", failed.problem, failed.nextStep)
    } finally {
      setBusy(false)
    }
  }

  return (
    <>
      <Tooltip withinPortal={false} label={action.refused} disabled={!isRefused} multiline maw={340} events={{ hover: true, focus: true, touch: true }}>
        <Button
          size={size}
          variant="default"
          aria-disabled={isRefused || undefined}
          aria-description={isRefused ? action.refused : undefined}
          className="action"
          data-dangerous={(action.isDangerous && !isRefused) || undefined}
          onClick={(event) => {
            event.preventDefault()
            if (isRefused) return
            onOpen?.()
            open()
          }}
        >
          {action.label}
        </Button>
      </Tooltip>
      <Modal opened={isOpen} onClose={close} title={<strong>{action.label}?</strong>} centered closeButtonProps={CLOSE}>
        <Stack gap="md">
          <Text style={{ overflowWrap: "anywhere" }}>{action.consequence}</Text>
          {children}
          <Group justify="flex-end" gap="sm">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button
              data-autofocus
              color={action.isDangerous ? "red.8" : undefined}
              loading={isBusy}
              disabled={!isComplete}
              onClick={() => void confirm()}
            >
              {action.label}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  )
}
