import { readdirSync, readFileSync } from "node:fs"
import { expect, test } from "vitest"

const SOURCES = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file))
const STYLES = new Set(readdirSync("node_modules/@mantine/core/styles"))
const IMPORTED = [...readFileSync("src/mantine.css", "utf8").matchAll(/styles\/(\w+\.css)/g)].map((found) => found[1] ?? "")

test("Every component of Mantine that is used has its style", () => {
  const used = SOURCES.flatMap((file) =>
    [...readFileSync(`src/${file}`, "utf8").matchAll(/import \{([^}]*)\} from "@mantine\/core"/g)].flatMap((found) => (found[1] ?? "").split(",")),
  ).map((name) => `${name.trim()}.css`)

  const missing = used.filter((style) => STYLES.has(style) && !IMPORTED.includes(style))

  expect(used).toContain("Button.css")
  expect([...new Set(missing)]).toEqual([])
})

test("The styles come in Mantine's order, in which the later one wins", () => {
  const whole = readFileSync("node_modules/@mantine/core/styles.css", "utf8")
  const places = IMPORTED.map((style) => whole.indexOf(readFileSync(`node_modules/@mantine/core/styles/${style}`, "utf8").trim()))

  expect(places).not.toContain(-1)
  expect(places).toEqual([...places].sort((a, b) => a - b))
})
