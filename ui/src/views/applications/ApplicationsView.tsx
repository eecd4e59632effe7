export default function ApplicationsView(_: Record<string, string>) {
  return null
}
