export function RolloutsView() {
  return null
}
