import { Button, Group } from "@mantine/core"
import { useMediaQuery } from "@mantine/hooks"
import { useMemo, useState } from "react"
import type { DiffLine, ResourceManifests } from "@/api/types"
import { changed, pairs, pieces, type Piece } from "@/lib/manifestdiff"

/** How both manifests differ: beside each other where there is room, else below. */
export function DiffView({ manifests }: { manifests: ResourceManifests }) {
  const isWide = useMediaQuery("(min-width: 1000px)") ?? true
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set())
  const [isWhole, setWhole] = useState(false)
  const found = useMemo(() => pieces(manifests.diff), [manifests.diff])
  const { added, removed } = useMemo(() => changed(manifests.diff), [manifests.diff])
  const hasFold = found.some((piece) => piece.isFolded)
  if (!manifests.isModified) {
    return (
      <p className="app-note" data-tone="ok">
        <span aria-hidden="true">✔ </span>Nothing differs: what is there is what git wants. Defaults, status, and what others own are not compared.
      </p>
    )
  }
  const draw = (piece: Piece) =>
    piece.isFolded && !isWhole && !opened.has(piece.start) ? (
      <Fold key={piece.start} piece={piece} open={() => setOpened(new Set([...opened, piece.start]))} />
    ) : isWide ? (
      <Beside key={piece.start} lines={piece.lines} />
    ) : (
      <Below key={piece.start} lines={piece.lines} />
    )
  return (
    <>
      <Group justify="space-between" gap="xs" mb={8}>
        <span className="app-small">
          A sync{" "}
          <strong data-tone="ok" className="app-toned">
            adds {added} {added === 1 ? "line" : "lines"} (+)
          </strong>{" "}
          and{" "}
          <strong data-tone="bad" className="app-toned">
            removes {removed} (−)
          </strong>
          .
        </span>
        {hasFold && (
          <Button
            size="compact-sm"
            variant="default"
            aria-pressed={isWhole}
            onClick={() => {
              setWhole(!isWhole)
              setOpened(new Set())
            }}
          >
            {isWhole ? "Only changes" : "Show all"}
          </Button>
        )}
      </Group>
      <div className="app-diff" tabIndex={0} role="region" aria-label="Differences">
        <table className={isWide ? "app-beside" : "app-below"}>
          <caption className="visually-hidden">How the live manifest and the desired one differ</caption>
          <colgroup>
            <col className="app-col-no" />
            <col className={isWide ? undefined : "app-col-no"} />
            <col className={isWide ? "app-col-no" : undefined} />
            <col className={isWide ? undefined : "app-col-none"} />
          </colgroup>
          <thead>
            {isWide ? (
              <tr>
                <th scope="col" colSpan={2}>
                  Live
                </th>
                <th scope="col" colSpan={2}>
                  Desired
                </th>
              </tr>
            ) : (
              <tr>
                <th scope="col" className="app-no" title="Line of the live manifest">
                  live
                </th>
                <th scope="col" className="app-no" title="Line of the desired manifest">
                  git
                </th>
                <th scope="col" colSpan={2}>
                  Line
                </th>
              </tr>
            )}
          </thead>
          <tbody>{found.map(draw)}</tbody>
        </table>
      </div>
    </>
  )
}

function Fold({ piece, open }: { piece: Piece; open: () => void }) {
  return (
    <tr className="app-fold">
      <td colSpan={4}>
        <button type="button" onClick={open}>
          <span aria-hidden="true">⋯ </span>
          {piece.lines.length} equal lines
        </button>
      </td>
    </tr>
  )
}

function Beside({ lines }: { lines: readonly DiffLine[] }) {
  return pairs(lines).map(({ live, desired }, index) => (
    <tr key={index}>
      <Side line={live} number={live?.live ?? null} />
      <Side line={desired} number={desired?.desired ?? null} />
    </tr>
  ))
}

function Side({ line, number }: { line: DiffLine | null; number: number | null }) {
  return (
    <>
      <td className="app-no" data-kind={line?.kind ?? "none"}>
        {number}
      </td>
      <td className="app-text" data-kind={line?.kind ?? "none"}>
        {line !== null && <Text line={line} />}
      </td>
    </>
  )
}

function Below({ lines }: { lines: readonly DiffLine[] }) {
  return lines.map((line, index) => (
    <tr key={index}>
      <td className="app-no" data-kind={line.kind}>
        {line.live}
      </td>
      <td className="app-no" data-kind={line.kind}>
        {line.desired}
      </td>
      <td className="app-text" data-kind={line.kind} colSpan={2}>
        <Text line={line} />
      </td>
    </tr>
  ))
}

function Text({ line }: { line: DiffLine }) {
  switch (line.kind) {
    case "-":
      return (
        <>
          <span aria-hidden="true">− </span>
          <span className="visually-hidden">only live: </span>
          {line.text}
        </>
      )
    case "+":
      return (
        <>
          <span aria-hidden="true">+ </span>
          <span className="visually-hidden">only desired: </span>
          {line.text}
        </>
      )
    case " ":
      return (
        <>
          {"  "}
          {line.text}
        </>
      )
  }
}
