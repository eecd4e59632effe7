import { Button, Checkbox, CopyButton, Select, TextInput } from "@mantine/core"
import { useVirtualizer } from "@tanstack/react-virtual"
import { memo, useDeferredValue, useEffect, useMemo, useRef, useState } from "react"
import { asApiError, followLog } from "@/api/http"
import type { ContainerState } from "@/api/types"
import { asText, filtered, highlighted, LogBuffer, MAX_LINES, newerThan, toneOf, type LogLine } from "@/lib/log"
import { useQuery } from "@/lib/search"

const FLUSH = 100
const TAIL = 2000
const ROW = 19
const NEAR = 30

type Reading =
  | { readonly state: "reading" }
  | { readonly state: "ended" }
  | { readonly state: "problem"; readonly problem: string; readonly nextStep: string }

/** A container's log as it is written: the newest lines, found by a text. */
export default function LogView({
  namespace,
  pod,
  containers,
  isGone,
}: {
  namespace: string
  pod: string
  containers: readonly ContainerState[]
  isGone: boolean
}) {
  const [query, change] = useQuery()
  const wanted = query.get("container") ?? ""
  const first = containers.find((one) => !one.isInit) ?? containers[0]
  const container = containers.some((one) => one.name === wanted) ? wanted : (first?.name ?? "")
  const isPrevious = query.get("previous") === "1"
  const chosen = containers.find((one) => one.name === container)
  const [isFollowing, setFollowing] = useState(true)
  const [isWrapping, setWrapping] = useState(true)
  const [search, setSearch] = useState("")
  const [attempt, setAttempt] = useState(0)
  const { lines, total, reading } = useLog(namespace, pod, container, isPrevious, isFollowing, attempt)
  const looked = useDeferredValue(search)
  // Who has scrolled up reads what was there: it does not move under their eyes.
  const [held, setHeld] = useState<readonly LogLine[] | null>(null)
  const base = held ?? lines
  const shown = useMemo(() => filtered(base, looked), [base, looked])
  const fresh = useMemo(() => (held === null ? 0 : filtered(newerThan(held, lines), looked).length), [held, lines, looked])
  const identity = `${container} ${isPrevious} ${attempt}`
  useEffect(() => setHeld(null), [identity])

  // A container that had no log has one once it runs.
  const isRunning = chosen?.state.startsWith("Running") === true
  const hasNone = reading.state === "problem" && lines.length === 0 && !isPrevious
  useEffect(() => {
    if (isRunning && hasNone) setAttempt((count) => count + 1)
    // Once for each time that it begins to run: a problem that stays is not asked for again and again.
  }, [isRunning])

  return (
    <div className="log">
      <div className="log-tools">
        <Select
          aria-label="Container"
          size="xs"
          w={170}
          data={containers.map((one) => ({ value: one.name, label: one.isInit ? `${one.name} (init)` : one.name }))}
          value={container}
          allowDeselect={false}
          onChange={(value) => change({ container: value ?? "" })}
        />
        <TextInput
          aria-label="Filter"
          placeholder="Filter"
          size="xs"
          className="log-filter"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
          data-mantine-stop-propagation={search !== "" || undefined}
          onKeyDown={(event) => {
            if (event.key !== "Escape" || search === "") return
            event.stopPropagation()
            setSearch("")
          }}
        />
        <Checkbox
          size="xs"
          label="Follow"
          checked={isFollowing && !isPrevious}
          disabled={isPrevious}
          onChange={(event) => setFollowing(event.currentTarget.checked)}
        />
        <Checkbox
          size="xs"
          label="Previous"
          title="The log of the container before it was restarted"
          checked={isPrevious}
          disabled={!isPrevious && (chosen?.restarts ?? 0) === 0}
          onChange={(event) => change({ previous: event.currentTarget.checked ? "1" : "" })}
        />
        <Checkbox size="xs" label="Wrap" checked={isWrapping} onChange={(event) => setWrapping(event.currentTarget.checked)} />
        <span className="log-buttons">
          <CopyButton value={shown.length === 0 ? "" : asText(shown)}>
            {({ copied, copy }) => (
              <Button size="xs" variant="default" onClick={copy} disabled={shown.length === 0}>
                {copied ? "Copied" : "Copy"}
              </Button>
            )}
          </CopyButton>
          <Button size="xs" variant="default" disabled={shown.length === 0} onClick={() => download(`${pod}-${container}.log`, asText(shown))}>
            Download
          </Button>
        </span>
      </div>
      {reading.state === "problem" && (
        <div className="log-problem" role="alert">
          <div>
            <strong>{reading.problem}</strong>
            {reading.nextStep !== "" && <div>{reading.nextStep}</div>}
          </div>
          <Button size="compact-sm" variant="default" onClick={() => setAttempt(attempt + 1)}>
            Try again
          </Button>
        </div>
      )}
      <Lines
        key={identity}
        lines={shown}
        search={looked}
        isWrapping={isWrapping}
        isAtEnd={held === null}
        fresh={fresh}
        onEnd={(isAtEnd) => setHeld(isAtEnd ? null : (held ?? lines))}
        empty={emptyText(reading, base.length, isGone)}
      />
      <p className="log-status faint">
        <span>
          {statusText(reading, isFollowing, isPrevious, isGone)}{" "}
          {reading.state === "ended" && !isPrevious && !isGone && isRunning && (
            <Button size="compact-xs" variant="default" onClick={() => setAttempt(attempt + 1)}>
              The container runs: read on
            </Button>
          )}
        </span>
        <span>
          {looked === "" ? counted(shown.length) : `${shown.length.toLocaleString("en")} of ${counted(base.length)}`}
          {total > MAX_LINES && `; ${total.toLocaleString("en")} have come, older ones are dropped`}
        </span>
      </p>
    </div>
  )
}

function counted(count: number): string {
  return `${count.toLocaleString("en")} ${count === 1 ? "line" : "lines"}`
}

function statusText(reading: Reading, isFollowing: boolean, isPrevious: boolean, isGone: boolean): string {
  switch (reading.state) {
    case "problem":
      return "The log cannot be read."
    case "ended":
      if (isPrevious) return "How the container before this one ended."
      return isGone ? "The pod is gone; nothing more comes." : "The log has ended."
    case "reading":
      return isFollowing ? "New lines appear as they are written." : "Held: new lines wait until you follow again."
  }
}

function emptyText(reading: Reading, count: number, isGone: boolean): string {
  if (count > 0) return "No line contains this text."
  switch (reading.state) {
    case "problem":
      return "There is no log to show."
    case "reading":
      return "Nothing has been written yet."
    case "ended":
      return isGone ? "The pod is gone, and nothing of its log had come." : "This container wrote nothing."
  }
}

/** The log's newest lines. While it is held, lines are still read, so that none are missing afterwards. */
function useLog(namespace: string, pod: string, container: string, isPrevious: boolean, isFollowing: boolean, attempt: number) {
  const [found, setFound] = useState<{ lines: readonly LogLine[]; total: number }>({ lines: [], total: 0 })
  const [reading, setReading] = useState<Reading>({ state: "reading" })
  const following = useRef(isFollowing)
  const flush = useRef<(() => void) | null>(null)
  following.current = isFollowing

  useEffect(() => {
    if (container === "") return
    const abort = new AbortController()
    const buffer = new LogBuffer()
    let timer: ReturnType<typeof setTimeout> | undefined
    const show = () => {
      timer = undefined
      setFound({ lines: buffer.snapshot(), total: buffer.total })
    }
    const showSoon = () => {
      if (following.current || buffer.total === 0) timer ??= setTimeout(show, FLUSH)
    }
    flush.current = show
    setFound({ lines: [], total: 0 })
    setReading({ state: "reading" })
    const take = (text: string) => {
      buffer.push(text)
      showSoon()
    }
    const finish = (end: Reading) => {
      if (abort.signal.aborted) return
      buffer.end()
      clearTimeout(timer)
      show()
      setReading(end)
    }
    followLog(namespace, pod, { container, previous: isPrevious, tail: TAIL }, take, abort.signal).then(
      () => finish({ state: "ended" }),
      (error: unknown) => {
        const { problem, nextStep } = asApiError(error)
        finish({ state: "problem", problem, nextStep })
      },
    )
    return () => {
      abort.abort()
      clearTimeout(timer)
      flush.current = null
    }
  }, [namespace, pod, container, isPrevious, attempt])

  useEffect(() => {
    if (isFollowing) flush.current?.()
  }, [isFollowing])

  return { ...found, reading }
}

function Lines({
  lines,
  search,
  isWrapping,
  isAtEnd,
  fresh,
  onEnd,
  empty,
}: {
  lines: readonly LogLine[]
  search: string
  isWrapping: boolean
  isAtEnd: boolean
  fresh: number
  onEnd: (isAtEnd: boolean) => void
  empty: string
}) {
  const box = useRef<HTMLDivElement>(null)
  const wasAbove = useRef(false) // further up than the end: coming back to it follows again
  const isHandled = useRef(false) // somebody drags the scroll bar, selects or swipes
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    getItemKey: (index) => lines[index]?.number ?? index,
    overscan: 12,
    paddingStart: 7,
    paddingEnd: 7,
  })

  useEffect(() => {
    if (!isAtEnd) return
    toEnd()
  }, [lines, isAtEnd, isWrapping])

  function toEnd() {
    const element = box.current
    if (element === null || isHandled.current) return
    element.scrollTop = element.scrollHeight
    // Heights are known only once lines have been drawn.
    requestAnimationFrame(() => {
      if (!isHandled.current) element.scrollTop = element.scrollHeight
    })
  }

  const isFarFromEnd = (element: HTMLElement) => element.scrollHeight - element.scrollTop - element.clientHeight > NEAR
  // Only what a person does leaves the end: heights that become known also scroll.
  const leave = (isBack: boolean) => {
    const element = box.current
    if (isBack && isAtEnd && element !== null && element.scrollHeight > element.clientHeight) onEnd(false)
  }
  const release = () => {
    isHandled.current = false
    if (box.current !== null && isAtEnd && isFarFromEnd(box.current)) onEnd(false)
  }

  return (
    <div className="log-frame">
      <div
        ref={box}
        className="log-lines"
        role="log"
        aria-live="off"
        aria-label="Log"
        tabIndex={0}
        data-wrap={isWrapping}
        onWheel={(event) => leave(event.deltaY < 0)}
        onKeyDown={(event) => leave(["ArrowUp", "PageUp", "Home"].includes(event.key))}
        onPointerDown={() => (isHandled.current = true)}
        onPointerUp={release}
        onTouchEnd={release}
        onTouchCancel={release}
        onScroll={(event) => {
          if (!isAtEnd && !isHandled.current && !isFarFromEnd(event.currentTarget) && wasAbove.current) onEnd(true)
          wasAbove.current = isFarFromEnd(event.currentTarget)
        }}
      >
        {lines.length === 0 && empty !== "" && <p className="log-empty">{empty}</p>}
        <div className="log-space" style={{ height: virtual.getTotalSize() }}>
          <div className="log-window" style={{ transform: `translateY(${virtual.getVirtualItems()[0]?.start ?? 0}px)` }}>
            {virtual.getVirtualItems().map((item) => {
              const line = lines[item.index]
              return line === undefined ? null : (
                <div key={item.key} data-index={item.index} ref={virtual.measureElement}>
                  <Line text={line.text} search={search} />
                </div>
              )
            })}
          </div>
        </div>
      </div>
      {!isAtEnd && (
        <button type="button" className="log-more" onClick={() => onEnd(true)}>
          {fresh > 0 ? `${fresh.toLocaleString("en")}${fresh >= MAX_LINES ? " or more" : ""} new ${fresh === 1 ? "line" : "lines"}` : "To the end"}{" "}
          <span aria-hidden="true">↓</span>
        </button>
      )}
    </div>
  )
}

const Line = memo(function Line({ text, search }: { text: string; search: string }) {
  const tone = toneOf(text)
  return (
    <div className="log-line" data-level={tone === "" ? undefined : tone}>
      {highlighted(text, search).map((part, index) => (index % 2 === 1 ? <mark key={index}>{part}</mark> : part))}
      {text === "" && "\u200b"}
    </div>
  )
})

function download(name: string, text: string) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }))
  const link = document.createElement("a")
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
