import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { Live } from "@/api/live"

const START = Date.parse("2026-01-01T12:00:00Z")
const SNAPSHOT = 'event: snapshot\ndata: {"topic":"rollouts","rows":[{"key":"shop/web"}]}\n\n'

/** One request for the stream, answered by the test. */
interface Asked {
  readonly url: URL
  readonly isAborted: () => boolean
  readonly open: (text?: string) => Promise<void>
  readonly say: (text: string) => Promise<void>
  readonly end: () => Promise<void>
  readonly refuse: (status: number, body: unknown) => Promise<void>
  readonly fail: () => Promise<void>
}

let asked: Asked[] = []
/** What the instances of a test listen to; the page itself has one for as long as it lives. */
let heard: EventListener[] = []
const settle = () => vi.advanceTimersByTimeAsync(0)

function serve(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const signal = init?.signal as AbortSignal
  return new Promise((resolve, reject) => {
    let writer: ReadableStreamDefaultController<Uint8Array> | undefined
    signal.addEventListener("abort", () => {
      reject(signal.reason as Error)
      writer?.error(signal.reason)
    })
    const say = async (text: string) => {
      writer?.enqueue(new TextEncoder().encode(text))
      await settle()
    }
    asked.push({
      url: new URL(String(input), "http://page"),
      isAborted: () => signal.aborted,
      say,
      open: async (text = "") => {
        resolve(new Response(new ReadableStream<Uint8Array>({ start: (controller) => void (writer = controller) })))
        await say(text)
      },
      end: async () => {
        writer?.close()
        await settle()
      },
      refuse: async (status, body) => {
        resolve(Response.json(body, { status }))
        await settle()
      },
      fail: async () => {
        reject(new TypeError("Failed to fetch"))
        await settle()
      },
    })
  })
}

function last(): Asked {
  const found = asked.at(-1)
  if (found === undefined) throw new Error("nothing was asked for")
  return found
}

function look(isHidden: boolean) {
  vi.spyOn(document, "hidden", "get").mockReturnValue(isHidden)
  document.dispatchEvent(new Event("visibilitychange"))
}

async function watching(...topics: readonly string[]): Promise<Live> {
  const live = new Live()
  for (const topic of topics) live.want(topic)
  await settle()
  return live
}

beforeEach(() => {
  asked = []
  heard = []
  const add = document.addEventListener.bind(document)
  vi.spyOn(document, "addEventListener").mockImplementation((type: string, listener: unknown) => {
    heard.push(listener as EventListener)
    add(type, listener as EventListener)
  })
  vi.useFakeTimers({ now: START })
  vi.stubGlobal("fetch", serve)
})

afterEach(() => {
  for (const listener of heard) document.removeEventListener("visibilitychange", listener)
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  vi.useRealTimers()
})

describe("the stream", () => {
  it("is one for all topics that are wanted together", async () => {
    await watching("session", "rollouts", "rollouts")
    expect(asked.map((one) => one.url.searchParams.getAll("topic"))).toEqual([["rollouts", "session"]])
  })

  it("is opened anew for another topic, and not for one that is there", async () => {
    const live = await watching("session")
    await last().open()
    const leave = live.want("rollouts")
    await settle()
    expect(asked[0]?.isAborted()).toBe(true)
    expect(last().url.search).toBe("?topic=rollouts&topic=session")
    live.want("rollouts")
    leave()
    await settle()
    expect(asked).toHaveLength(2)
  })

  it("tells what is there, and what time it is at the server", async () => {
    const live = await watching("rollouts")
    await last().open(`event: hello\ndata: {"now":"2026-01-01T12:00:07.000Z","epoch":"e"}\n\n${SNAPSHOT}`)
    expect(live.snapshot().connection).toBe("open")
    expect(live.snapshot().known.get("rollouts")).toMatchObject({ kind: "rows" })
    expect(live.now() - Date.now()).toBe(7000)
  })

  it("forgets what nobody looks at any more", async () => {
    const live = new Live()
    live.want("session")
    const leave = live.want("rollouts")
    await settle()
    await last().open(SNAPSHOT)
    leave()
    await settle()
    expect(live.snapshot().known.has("rollouts")).toBe(false)
  })
})

describe("a lost connection", () => {
  it("keeps what was known, and says since when it is old", async () => {
    const live = await watching("rollouts")
    await last().open(SNAPSHOT)
    await vi.advanceTimersByTimeAsync(3000)
    await last().end()
    expect(live.snapshot()).toMatchObject({ connection: "lost", lostAt: START + 3000, problem: "The server ended the connection." })
    expect(live.snapshot().known.has("rollouts")).toBe(true)
  })

  it("is tried again later and later, and at once when somebody says so", async () => {
    const live = await watching("rollouts")
    for (const wait of [500, 1000, 2000, 4000, 5000, 5000]) {
      await last().fail()
      const before = asked.length
      await vi.advanceTimersByTimeAsync(wait - 1)
      expect(asked).toHaveLength(before)
      await vi.advanceTimersByTimeAsync(1)
      expect(asked).toHaveLength(before + 1)
    }
    await last().fail()
    live.reconnect()
    await settle()
    await last().fail()
    expect(live.snapshot().lostAt).toBe(START)
    const before = asked.length
    await vi.advanceTimersByTimeAsync(500)
    expect(asked).toHaveLength(before + 1)
  })

  it("is open again with the first word, and the next loss is tried again soon", async () => {
    const live = await watching("rollouts")
    await last().fail()
    await vi.advanceTimersByTimeAsync(500)
    await last().fail()
    await vi.advanceTimersByTimeAsync(1000)
    await last().open(SNAPSHOT)
    expect(live.snapshot()).toMatchObject({ connection: "open", lostAt: 0, problem: "" })
    await last().end()
    const before = asked.length
    await vi.advanceTimersByTimeAsync(500)
    expect(asked).toHaveLength(before + 1)
  })

  it.each([true, false])("is one that says nothing for 15 seconds (opened: %s)", async (isOpened) => {
    const live = await watching("rollouts")
    if (isOpened) await last().open(SNAPSHOT)
    await vi.advanceTimersByTimeAsync(14_999)
    expect(live.snapshot().connection).not.toBe("lost")
    await vi.advanceTimersByTimeAsync(1)
    expect(live.snapshot().connection).toBe("lost")
  })

  it("is not one that is only slow: every word counts", async () => {
    const live = await watching("rollouts")
    await last().open(SNAPSHOT)
    for (let second = 0; second < 60; second += 5) {
      await vi.advanceTimersByTimeAsync(5000)
      await last().say('event: ping\ndata: {"now":"2026-01-01T12:00:00.000Z"}\n\n')
    }
    expect(live.snapshot().connection).toBe("open")
    expect(asked).toHaveLength(1)
  })
})

describe("a token that is not taken", () => {
  it("ends it all, until somebody has given another one", async () => {
    const live = await watching("rollouts")
    await last().open(SNAPSHOT)
    await last().end()
    await vi.advanceTimersByTimeAsync(500)
    await last().refuse(401, { problem: "The token is needed.", nextStep: "Log in." })
    expect(live.snapshot()).toMatchObject({ connection: "unauthorized", problem: "The token is needed." })
    expect(live.snapshot().known.size).toBe(0)
    const before = asked.length
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked).toHaveLength(before)
    live.reconnect()
    await settle()
    await last().open(SNAPSHOT)
    expect(live.snapshot().connection).toBe("open")
  })
})

describe("a page that nobody sees", () => {
  it("gives its connection back after 30 seconds, and takes it again when it is seen", async () => {
    await watching("rollouts")
    await last().open(SNAPSHOT)
    look(true)
    await last().say('event: ping\ndata: {"now":"2026-01-01T12:00:00.000Z"}\n\n')
    for (let second = 5; second < 30; second += 5) {
      await vi.advanceTimersByTimeAsync(5000)
      await last().say('event: ping\ndata: {"now":"2026-01-01T12:00:00.000Z"}\n\n')
    }
    expect(last().isAborted()).toBe(false)
    await vi.advanceTimersByTimeAsync(5000)
    expect(asked).toHaveLength(1)
    expect(last().isAborted()).toBe(true)
    look(false)
    await settle()
    expect(asked.length).toBe(2)
  })

  it("keeps it when it is seen again soon", async () => {
    await watching("rollouts")
    await last().open(SNAPSHOT)
    look(true)
    await vi.advanceTimersByTimeAsync(10_000)
    look(false)
    await vi.advanceTimersByTimeAsync(4000)
    expect(asked).toHaveLength(1)
    expect(last().isAborted()).toBe(false)
  })
})
