/** Numbers for people, by unit. Pure. */

import type { Unit } from "@/lib/queryurl"

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const
const SHORT = ["", "k", "M", "G", "T", "P"] as const

/** A sample's text (`NaN`, `+Inf`) as a number. */
export function numberOf(text: string): number {
  if (text === "+Inf") return Number.POSITIVE_INFINITY
  if (text === "-Inf") return Number.NEGATIVE_INFINITY
  return text === "" ? Number.NaN : Number(text)
}

/** A value with its unit: `1.5 MiB`, `250 ms`, `12.5 %`. Nothing is lost in "none" but digits after the 6th. */
export function formatValue(value: number, unit: Unit): string {
  if (Number.isNaN(value)) return "NaN"
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf"
  switch (unit) {
    case "none":
      return digits(value, 6)
    case "short":
      return scaled(value, 1000, SHORT, "")
    case "bytes":
      return scaled(value, 1024, BINARY, " ")
    case "percent":
      return `${digits(value * 100, 4)} %`
    case "seconds":
      return seconds(value)
  }
}

/** Significant digits, without zeros at the end, and without an exponent where people read none. */
export function digits(value: number, count: number): string {
  if (value === 0) return "0"
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value)
  const text = value.toPrecision(count)
  return text.includes("e") ? String(Number(text)) : text.replace(/\.?0+$/, "")
}

function scaled(value: number, base: number, names: readonly string[], gap: string): string {
  let size = Math.abs(value)
  let index = 0
  while (size >= base && index < names.length - 1) {
    size /= base
    index += 1
  }
  const name = names[index] ?? ""
  return `${value < 0 ? "-" : ""}${digits(size, 4)}${name === "" ? "" : gap}${name}`
}

function seconds(value: number): string {
  const size = Math.abs(value)
  const sign = value < 0 ? "-" : ""
  if (size === 0) return "0 s"
  if (size < 1e-6) return `${sign}${digits(size * 1e9, 4)} ns`
  if (size < 1e-3) return `${sign}${digits(size * 1e6, 4)} µs`
  if (size < 1) return `${sign}${digits(size * 1e3, 4)} ms`
  if (size < 120) return `${sign}${digits(size, 4)} s`
  if (size < 7200) return `${sign}${digits(size / 60, 4)} min`
  if (size < 172_800) return `${sign}${digits(size / 3600, 4)} h`
  return `${sign}${digits(size / 86_400, 4)} d`
}

/** `1,234`. */
export function count(value: number): string {
  return value.toLocaleString("en-US")
}

/** `1 series`, `3 series`, `1 result`, `2 results`: the noun with its number. */
export function counted(value: number, one: string, many: string): string {
  return `${count(value)} ${value === 1 ? one : many}`
}
