import { ActionIcon, Button, Group, Kbd, Modal, Select, Table, Tooltip, useComputedColorScheme, useMantineColorScheme } from "@mantine/core"
import { useDisclosure, useHotkeys } from "@mantine/hooks"
import { useRef, type ReactNode } from "react"
import { Link, useLocation } from "wouter"
import { live, useConnection } from "@/api/live"
import type { Session } from "@/api/types"
import { Ago } from "@/components/Ago"
import { ALL, useNamespace } from "@/lib/namespace"

const ROOMS = [
  { name: "Applications", path: "/applications", also: ["/applicationsets"] },
  { name: "Rollouts", path: "/rollouts", also: [] },
  { name: "Metrics", path: "/query", also: ["/targets", "/service-discovery", "/rules", "/alerts", "/status", "/metrics"] },
] as const

/** Where a namespace can be chosen. */
const LISTS: ReadonlySet<string> = new Set(["/rollouts", "/applications", "/applicationsets"])

const KEYS: readonly (readonly [string, string])[] = [
  ["g a", "Applications"],
  ["g r", "Rollouts"],
  ["g m", "Metrics"],
  ["/", "Search this list"],
  ["j  k", "Next, previous card"],
  ["Enter", "Open the card"],
  ["Escape", "Close; clear the search"],
  ["t", "Light or dark"],
  ["?", "This help"],
]

/** How long after `g` the letter may come. */
const GO_MILLISECONDS = 1200

/** What is on every page: rooms, namespace, light and dark, how the connection is. */
export function Frame({ session, children }: { session: Session | null; children: ReactNode }) {
  const [path, navigate] = useLocation()
  const connection = useConnection()
  const [isHelping, help] = useDisclosure(false)
  const { setColorScheme } = useMantineColorScheme()
  const scheme = useComputedColorScheme("light")
  const toggle = () => setColorScheme(scheme === "dark" ? "light" : "dark")
  useGoKeys(navigate)
  useHotkeys([
    ["t", toggle],
    ["shift+?", help.open],
    ["?", help.open],
  ])

  return (
    <div className="frame">
      <a href="#content" className="skip-link">
        Skip to the content
      </a>
      <header className="top">
        <div className="top-row">
          <Link href="/rollouts" className="brand">
            <img src="/favicon.svg" alt="" />
            canarium
          </Link>
          <nav className="rooms" aria-label="Rooms">
            {ROOMS.map((room) => {
              const isHere = [room.path, ...room.also].some((start) => path === start || path.startsWith(`${start}/`))
              return (
                <Link key={room.path} href={room.path} className="room" aria-current={isHere ? "page" : undefined}>
                  {room.name}
                </Link>
              )
            })}
          </nav>
          <div className="top-end">
            {session?.isReadOnly && (
              <Tooltip label="Nothing can be changed from here; the page was started with --read-only, or with the reader's token.">
                <span className="tag" tabIndex={0}>
                  read-only
                </span>
              </Tooltip>
            )}
            {LISTS.has(path) && <NamespacePicker names={session?.namespaces ?? []} />}
            <ActionIcon variant="default" size="lg" onClick={toggle} aria-label={scheme === "dark" ? "Use light colours" : "Use dark colours"}>
              <span aria-hidden="true">{scheme === "dark" ? "☀" : "☾"}</span>
            </ActionIcon>
            <ActionIcon variant="default" size="lg" onClick={help.open} aria-label="Keyboard shortcuts">
              <span aria-hidden="true">?</span>
            </ActionIcon>
          </div>
        </div>
        <ConnectionBanner session={session} />
      </header>
      <main id="content" className="content" tabIndex={-1} data-stale={connection.connection === "lost"}>
        {children}
      </main>
      <Modal opened={isHelping} onClose={help.close} title={<strong>Keyboard shortcuts</strong>} centered closeButtonProps={{ "aria-label": "Close" }}>
        <Table>
          <Table.Tbody>
            {KEYS.map(([keys, what]) => (
              <Table.Tr key={keys}>
                <Table.Td>
                  <Group gap={4}>
                    {keys.split(/ +/).map((key) => (
                      <Kbd key={key}>{key}</Kbd>
                    ))}
                  </Group>
                </Table.Td>
                <Table.Td>{what}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        {session !== null && (
          <p className="faint" style={{ margin: "14px 0 0", fontSize: 13 }}>
            canarium {session.version}, cluster {session.cluster}
          </p>
        )}
      </Modal>
    </div>
  )
}

function NamespacePicker({ names }: { names: readonly string[] }) {
  const [chosen, choose] = useNamespace()
  const offered = chosen === ALL || names.includes(chosen) ? names : [chosen, ...names]
  return (
    <Select
      aria-label="Namespace"
      data={[{ value: "*", label: "All namespaces" }, ...offered.map((name) => ({ value: name, label: name }))]}
      value={chosen === ALL ? "*" : chosen}
      onChange={(value) => choose(value === null || value === "*" ? ALL : value)}
      allowDeselect={false}
      searchable
      checkIconPosition="right"
      style={{ flex: "0 1 190px", minWidth: 96 }}
      nothingFoundMessage="No such namespace"
    />
  )
}

/** `g` and then a letter, as many pages of the field have it. */
function useGoKeys(navigate: (path: string) => void) {
  const pressed = useRef(Number.NEGATIVE_INFINITY)
  const go = (path: string) => () => {
    if (performance.now() - pressed.current < GO_MILLISECONDS) navigate(path)
  }
  useHotkeys([
    ["g", () => (pressed.current = performance.now())],
    ["a", go("/applications")],
    ["r", go("/rollouts")],
    ["m", go("/query")],
  ])
}

function ConnectionBanner({ session }: { session: Session | null }) {
  const { connection, problem, lostAt } = useConnection()
  if (connection === "lost") {
    return (
      <div className="banner" data-tone="bad" role="alert">
        <strong>Connection lost</strong>
        <span>
          {problem} What you see is from {new Date(lostAt).toLocaleTimeString(undefined, { hour12: false })}; it goes on by itself.
        </span>
        <Button size="compact-xs" variant="default" onClick={live.reconnect}>
          Try now
        </Button>
      </div>
    )
  }
  if (session !== null && session.problem !== "") {
    return (
      <div className="banner" data-tone="bad" role="alert">
        <strong>The cluster does not answer</strong>
        <span style={{ overflowWrap: "anywhere" }}>
          {session.problem} (<Ago at={session.since} />) What you see is how it was before.
        </span>
      </div>
    )
  }
  return null
}
