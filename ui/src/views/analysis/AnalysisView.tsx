export default function AnalysisView(_: Record<string, string>) {
  return null
}
