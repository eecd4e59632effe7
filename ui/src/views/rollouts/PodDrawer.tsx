export default function PodDrawer(_: { namespace: string; name: string; pod: string; onClose: () => void }) {
  return null
}
