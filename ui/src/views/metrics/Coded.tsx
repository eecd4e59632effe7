/** Text, with what is between backticks as code. */
export function Coded({ text }: { text: string }) {
  return text.split("`").map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))
}
