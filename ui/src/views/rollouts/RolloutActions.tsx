import { Select, TextInput } from "@mantine/core"
import { useState } from "react"
import { rolloutAction } from "@/api/http"
import type { Action, RolloutDetail } from "@/api/types"
import { ActionButton } from "@/components/ActionButton"
import { shortImage } from "@/lib/rollouts"

/** All that can be done with a Rollout. */
export function RolloutActions({ detail }: { detail: RolloutDetail }) {
  return (
    <div className="actions" role="group" aria-label="Actions">
      {detail.actions.map((action) => (
        <OneAction key={action.name} action={action} detail={detail} />
      ))}
    </div>
  )
}

function OneAction({ action, detail }: { action: Action; detail: RolloutDetail }) {
  switch (action.name) {
    case "undo":
      return <Undo action={action} detail={detail} />
    case "set-image":
      return <SetImage action={action} detail={detail} />
    default:
      return <ActionButton action={action} run={() => rolloutAction(detail.row.namespace, detail.row.name, action.name)} />
  }
}

function Undo({ action, detail }: { action: Action; detail: RolloutDetail }) {
  const [chosen, choose] = useState<string | null>(null)
  const offered = detail.revisions
    .filter((one) => one.canRollBack)
    .map((one) => {
      const images = [...new Set(one.replicaSets.flatMap((set) => set.images))].map(shortImage).join(", ")
      return { value: String(one.revision), label: `Revision ${one.revision}${images === "" ? "" : `: ${images}`}` }
    })
  const { namespace, name } = detail.row
  return (
    <ActionButton
      action={action}
      onOpen={() => choose(offered[0]?.value ?? null)}
      isComplete={chosen !== null}
      run={() => rolloutAction(namespace, name, action.name, { revision: Number(chosen) })}
    >
      <Select label="Back to" data={offered} value={chosen} onChange={choose} allowDeselect={false} placeholder="Choose a revision" />
    </ActionButton>
  )
}

function SetImage({ action, detail }: { action: Action; detail: RolloutDetail }) {
  const [container, setContainer] = useState("")
  const [image, setImage] = useState("")
  const { namespace, name } = detail.row
  const choose = (wanted: string) => {
    setContainer(wanted)
    setImage(detail.containers.find((one) => one.name === wanted)?.image ?? "")
  }
  const current = detail.containers.find((one) => one.name === container)?.image
  return (
    <ActionButton
      action={action}
      onOpen={() => choose(detail.containers[0]?.name ?? "")}
      isComplete={container !== "" && image.trim() !== "" && image.trim() !== current}
      run={() => rolloutAction(namespace, name, action.name, { container, image: image.trim() })}
    >
      <Select
        label="Container"
        data={detail.containers.map((one) => ({ value: one.name, label: one.isInit ? `${one.name} (init)` : one.name }))}
        value={container}
        onChange={(value) => value !== null && choose(value)}
        allowDeselect={false}
      />
      <TextInput
        label="Image"
        description={current === undefined ? undefined : `Now: ${current}`}
        descriptionProps={{ style: { color: "var(--faint)", overflowWrap: "anywhere" } }}
        data-autofocus
        value={image}
        onChange={(event) => setImage(event.currentTarget.value)}
        spellCheck={false}
        autoComplete="off"
      />
    </ActionButton>
  )
}
