import { expect, it } from "vitest"
import { counted, digits, formatValue, numberOf } from "@/lib/units"

it.each([
  [1536, "bytes", "1.5 KiB"],
  [12, "bytes", "12 B"],
  [0.00025, "seconds", "250 µs"],
  [0.25, "seconds", "250 ms"],
  [90, "seconds", "90 s"],
  [7200, "seconds", "2 h"],
  [0.125, "percent", "12.5 %"],
  [1234567, "short", "1.235M"],
  [-1500, "short", "-1.5k"],
  [0.1 + 0.2, "none", "0.3"],
  [1234567, "none", "1234567"],
  [1e-9, "none", "1e-9"],
  [0, "seconds", "0 s"],
  [Number.NaN, "bytes", "NaN"],
  [Number.NEGATIVE_INFINITY, "none", "-Inf"],
] as const)("writes %d in %s as %s", (value, unit, text) => {
  expect(formatValue(value, unit)).toBe(text)
})

it("reads the texts of samples", () => {
  expect(numberOf("+Inf")).toBe(Number.POSITIVE_INFINITY)
  expect(numberOf("NaN")).toBeNaN()
  expect(numberOf("")).toBeNaN()
  expect(numberOf("1e+06")).toBe(1_000_000)
})

it("counts with the right noun", () => {
  expect(counted(1, "result", "results")).toBe("1 result")
  expect(counted(10_000, "result", "results")).toBe("10,000 results")
  expect(digits(100.5, 3)).toBe("101")
})
