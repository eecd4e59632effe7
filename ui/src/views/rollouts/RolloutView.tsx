export default function RolloutView(_: Record<string, string>) {
  return null
}
