import { coded } from "@/lib/values"

/** A sentence; what is `between backticks` in it is set as code. */
export function Coded({ text }: { text: string }) {
  return coded(text).map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))
}
