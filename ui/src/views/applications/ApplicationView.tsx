export default function ApplicationView(_: Record<string, string>) {
  return null
}
