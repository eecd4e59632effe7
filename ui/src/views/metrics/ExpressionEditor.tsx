import { autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap, completionStatus } from "@codemirror/autocomplete"
import { defaultKeymap, history as undoHistory, historyKeymap, insertNewlineAndIndent } from "@codemirror/commands"
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language"
import { lintKeymap } from "@codemirror/lint"
import { EditorState, Prec } from "@codemirror/state"
import { drawSelection, EditorView, keymap, placeholder, tooltips } from "@codemirror/view"
import { tags } from "@lezer/highlight"
import { PromQLExtension } from "@prometheus-io/codemirror-promql"
import { useEffect, useImperativeHandle, useRef, type Ref } from "react"
import { promqlCompletion } from "@/lib/promqlClient"
import { styleNonce } from "@/lib/nonce"
import { history } from "@/views/metrics/history"

export interface EditorHandle {
  /** At the cursor; in place of the selection. */
  insert: (text: string) => void
  focus: () => void
  /** Puts the cursor there. */
  goTo: (offset: number) => void
}

const COLOURS = HighlightStyle.define([
  { tag: [tags.variableName, tags.propertyName], color: "var(--text)" },
  { tag: tags.labelName, color: "var(--hold)" },
  { tag: tags.string, color: "var(--ok)" },
  { tag: tags.number, color: "var(--busy)" },
  { tag: [tags.function(tags.variableName), tags.keyword, tags.modifier], color: "var(--busy)", fontWeight: "600" },
  { tag: [tags.operator, tags.arithmeticOperator, tags.compareOperator, tags.logicOperator], color: "var(--calm)" },
  { tag: [tags.paren, tags.squareBracket, tags.brace, tags.separator], color: "var(--faint)" },
  { tag: tags.comment, color: "var(--faint)", fontStyle: "italic" },
  { tag: tags.invalid, color: "var(--bad)" },
])

const LOOK = EditorView.theme({
  "&": { fontSize: "14px", color: "var(--text)", backgroundColor: "transparent" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mantine-font-family-monospace)", lineHeight: "1.5", maxHeight: "240px", overflow: "auto" },
  ".cm-content": { padding: "7px 0", caretColor: "var(--text)" },
  ".cm-line": { padding: "0 10px" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-placeholder": { color: "var(--faint)" },
  ".cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": { backgroundColor: "var(--busy-soft)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--busy-soft)", outline: "1px solid var(--busy)" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "var(--bad-soft)", outline: "1px solid var(--bad)" },
  ".cm-tooltip": {
    backgroundColor: "var(--card)",
    color: "var(--text)",
    border: "1px solid var(--line)",
    borderRadius: "8px",
    boxShadow: "0 8px 28px rgb(0 0 0 / 22%)",
    overflow: "hidden",
  },
  ".cm-tooltip.cm-tooltip-autocomplete": { overflow: "visible" },
  ".cm-tooltip-autocomplete.cm-tooltip-below": { marginTop: "6px" },
  ".cm-tooltip-autocomplete.cm-tooltip-above": { marginTop: "-6px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": {
    fontFamily: "var(--mantine-font-family-monospace)",
    fontSize: "13px",
    maxHeight: "320px",
    minWidth: "280px",
    maxWidth: "min(680px, 92vw)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "3px 10px", display: "flex", gap: "10px", alignItems: "baseline" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--busy-soft)", color: "var(--text)" },
  ".cm-completionLabel": { flex: "1", overflow: "hidden", textOverflow: "ellipsis" },
  ".cm-completionDetail": { color: "var(--faint)", fontStyle: "normal", fontSize: "12px", marginLeft: "0" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700", color: "var(--busy)" },
  // On a phone it would cover the names it is about.
  "@media (max-width: 640px)": { ".cm-tooltip.cm-completionInfo": { display: "none" } },
  ".cm-tooltip.cm-completionInfo": { padding: "8px 12px", maxWidth: "340px", fontSize: "13px", overflow: "hidden" },
  ".cm-tooltip-lint": { maxWidth: "min(560px, 90vw)" },
  ".cm-diagnostic": { padding: "6px 12px", whiteSpace: "pre-wrap", overflowWrap: "anywhere" },
  ".cm-diagnostic-error": { borderLeft: "4px solid var(--bad)" },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--bad) 1px",
    textUnderlineOffset: "4px",
  },
})

/**
 * Where PromQL is written: completion, errors while typing, colours, earlier queries.
 *
 * Enter executes, Shift+Enter starts a line; Tab leaves.
 */
export default function ExpressionEditor({
  ref,
  value,
  onChange,
  onExecute,
  isFirst,
}: {
  ref: Ref<EditorHandle>
  value: string
  onChange: (text: string) => void
  onExecute: (text: string) => void
  isFirst: boolean
}) {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | null>(null)
  const told = useRef({ onChange, onExecute })
  told.current = { onChange, onExecute }
  const start = useRef({ value, isFirst })

  useEffect(() => {
    if (host.current === null) return
    const promql = new PromQLExtension().setComplete(promqlCompletion())
    const earlier = { at: -1, text: "" }
    const replace = (target: EditorView, text: string) => {
      target.dispatch({ changes: { from: 0, to: target.state.doc.length, insert: text }, selection: { anchor: text.length } })
      return true
    }
    /** Up and down through the earlier queries, as long as the field is empty or shows one of them untouched. */
    const browse = (by: 1 | -1) => (target: EditorView) => {
      const text = target.state.doc.toString()
      if (completionStatus(target.state) !== null || (text !== "" && text !== earlier.text)) return false
      const all = history()
      const at = text === "" ? (by === 1 ? 0 : -1) : earlier.at + by
      if (at < -1 || at >= all.length) return text === "" ? false : true
      earlier.at = at
      earlier.text = all[at] ?? ""
      return replace(target, earlier.text)
    }
    const editor = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: start.current.value,
        extensions: [
          EditorView.cspNonce.of(styleNonce()),
          EditorView.contentAttributes.of({ "aria-label": "Expression", spellcheck: "false", autocapitalize: "off", autocorrect: "off" }),
          EditorView.lineWrapping,
          LOOK,
          syntaxHighlighting(COLOURS),
          promql.asExtension(),
          bracketMatching(),
          closeBrackets(),
          indentOnInput(),
          undoHistory(),
          drawSelection(),
          autocompletion({ icons: false }),
          tooltips({ position: "fixed" }),
          placeholder("Expression (Ctrl+Space completes)"),
          Prec.high(
            keymap.of([
              {
                key: "Enter",
                run: (target) => {
                  // What is still being looked up would open above the result.
                  closeCompletion(target)
                  told.current.onExecute(target.state.doc.toString())
                  return true
                },
                shift: insertNewlineAndIndent,
              },
              { key: "ArrowUp", run: browse(1) },
              { key: "ArrowDown", run: browse(-1) },
            ]),
          ),
          keymap.of([...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) told.current.onChange(update.state.doc.toString())
          }),
        ],
      }),
    })
    view.current = editor
    if (start.current.isFirst && document.activeElement === document.body) editor.focus()
    return () => {
      view.current = null
      promql.destroy()
      editor.destroy()
    }
  }, [])

  useEffect(() => {
    const editor = view.current
    if (editor === null || editor.state.doc.toString() === value) return
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value }, selection: { anchor: value.length } })
  }, [value])

  useImperativeHandle(
    ref,
    () => ({
      insert: (text) => {
        const editor = view.current
        if (editor === null) return
        editor.dispatch(editor.state.replaceSelection(text))
        editor.focus()
      },
      focus: () => view.current?.focus(),
      goTo: (offset) => {
        const editor = view.current
        if (editor === null) return
        editor.dispatch({ selection: { anchor: Math.min(offset, editor.state.doc.length) }, scrollIntoView: true })
        editor.focus()
      },
    }),
    [],
  )

  return <div className="editor" ref={host} />
}
