import { Link } from "wouter"

/** Where one is: the way here as links, and what this page is about. */
export function Crumbs({ items, here }: { items: readonly (readonly [text: string, href: string])[]; here: string }) {
  return (
    <nav aria-label="Breadcrumb" className="crumbs">
      <ol>
        {items.map(([text, href]) => (
          <li key={href}>
            <Link href={href}>{text}</Link>
          </li>
        ))}
        <li aria-current="page">{here}</li>
      </ol>
    </nav>
  )
}
