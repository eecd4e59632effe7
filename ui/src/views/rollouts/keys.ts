/** How the list of Rollouts is worked with: which card is next, what opens it, where the focus stays. */

import { useHotkeys } from "@mantine/hooks"
import { useCallback, useLayoutEffect, useRef, type FocusEvent, type MouseEvent, type RefObject } from "react"
import { useLocation } from "wouter"
import { moved, type Move } from "@/lib/rollouts"
import type { Reveal } from "@/views/rollouts/RolloutTable"

/** The whole card opens with a click; links and buttons in it do what they do. */
export function useOpenCard() {
  const [, navigate] = useLocation()
  return useCallback(
    (event: MouseEvent) => {
      if (!(event.target instanceof Element) || event.target.closest("a, button") !== null) return
      const link = event.target.closest(".rollout-card")?.querySelector<HTMLAnchorElement>("a.rollout-name")
      const isSelecting = (window.getSelection()?.toString() ?? "") !== ""
      if (link !== null && link !== undefined && !isSelecting) navigate(link.pathname)
    },
    [navigate],
  )
}

/** A card that moves to another place of the list is another element there; the focus goes along. */
export function useKeptFocus(list: RefObject<HTMLDivElement | null>) {
  const focused = useRef("")
  useLayoutEffect(() => {
    if (focused.current === "" || document.activeElement !== document.body) return
    list.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused.current)}"] .rollout-name`)?.focus({ preventScroll: true })
  })
  return {
    onFocus: (event: FocusEvent) => {
      focused.current = event.target.closest("[data-key]")?.getAttribute("data-key") ?? ""
    },
    onBlur: () => {
      focused.current = "" // React tells nobody when it removes the element itself
    },
  }
}

/** `/`, `j`, `k`, the arrows and Escape. */
export function useListKeys({
  search,
  list,
  reveal,
  columns,
  count,
  clear,
}: {
  search: RefObject<HTMLInputElement | null>
  list: RefObject<HTMLDivElement | null>
  reveal: RefObject<Reveal>
  columns: RefObject<number>
  count: number
  clear: () => void
}) {
  const focus = (index: number) => {
    const find = () => list.current?.querySelector<HTMLElement>(`.rollout-name[data-index="${index}"]`)
    const found = find()
    if (found) {
      found.focus()
      found.closest(".rollout-card, tr")?.scrollIntoView({ block: "nearest" })
      return
    }
    reveal.current(index)
    requestAnimationFrame(() => requestAnimationFrame(() => find()?.focus()))
  }
  const move = (way: Move, isArrow: boolean) => (event: KeyboardEvent) => {
    const focused = document.activeElement
    const card = list.current?.contains(focused) === true ? focused?.closest(".rollout-card, tr") : null
    if (isArrow && !card) return // arrows scroll, unless a card has the focus
    event.preventDefault()
    const here = Number(card?.querySelector(".rollout-name")?.getAttribute("data-index") ?? -1)
    const isTable = list.current?.querySelector("table") !== null
    focus(moved(here, way, count, isArrow && !isTable ? columns.current : 1))
  }
  useHotkeys([
    ["/", () => search.current?.focus()],
    ["j", move("next", false)],
    ["k", move("previous", false)],
    ["ArrowDown", move("next", true), { preventDefault: false }],
    ["ArrowUp", move("previous", true), { preventDefault: false }],
    ["ArrowRight", move("right", true), { preventDefault: false }],
    ["ArrowLeft", move("left", true), { preventDefault: false }],
    ["Escape", clear],
  ])
}
