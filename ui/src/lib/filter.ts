/**
 * What is typed into a list's search box, and what it finds. Pure.
 *
 * Several words: all of them have to match. `web`: a part of the name; `shop/w`: of namespace and name; `"web"`: the
 * whole name. `app:web`: a label whose name is `app` (or ends in `/app`) with `web` in its value; `app:"web"`: exactly
 * this value; `app:`: the label is there. Upper and lower case are the same, except between quotes.
 */

export interface Findable {
  readonly namespace: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

export interface Term {
  /** The label's name; empty for a term about the name. */
  readonly label: string
  readonly text: string
  readonly isExact: boolean
}

// A label's name and a colon alone; or with or without them a quoted text (its end may not have been typed yet), or a word.
const TERM = /([^\s":]+):(?=\s|$)|(?:([^\s":]+):)?(?:"([^"]*)"?|([^\s"]+))/g

/** The terms of a search, in order. Anything can be typed: nothing is an error. */
export function terms(search: string): Term[] {
  const found: Term[] = []
  for (const [, bare, label, quoted, word] of search.matchAll(TERM)) {
    if (bare !== undefined) found.push({ label: bare, text: "", isExact: false })
    else if (quoted === undefined) found.push({ label: label ?? "", text: word ?? "", isExact: false })
    else if (quoted !== "" || label !== undefined) found.push({ label: label ?? "", text: quoted, isExact: true })
  }
  return found
}

/** Whether all terms match. */
export function isFound(thing: Findable, wanted: readonly Term[]): boolean {
  return wanted.every((term) => (term.label === "" ? isNamed(thing, term) : isLabelled(thing, term)))
}

function isNamed(thing: Findable, term: Term): boolean {
  const name = term.text.includes("/") ? `${thing.namespace}/${thing.name}` : thing.name
  return isEqual(name, term)
}

function isLabelled(thing: Findable, term: Term): boolean {
  const wanted = term.label.toLowerCase()
  return Object.entries(thing.labels).some(([label, value]) => {
    const name = label.toLowerCase()
    return (name === wanted || name.endsWith(`/${wanted}`)) && isEqual(value, term)
  })
}

function isEqual(text: string, term: Term): boolean {
  return term.isExact ? text === term.text : text.toLowerCase().includes(term.text.toLowerCase())
}
