export default function MetricsRoom(_: Record<string, string>) {
  return null
}
