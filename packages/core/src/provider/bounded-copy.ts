/**
 * A copy of JSON data that may be shown: as it is where it is of the usual size, and shortened where it
 * is not.
 *
 * @module
 */

import { isObject } from '../base/objects.ts'

const maxText = 256
/** A certificate says enough by its beginning, and is no reading matter. */
const maxCertificate = 32
const maxMembers = 32
const maxDepth = 3
/** All of it, as JSON. */
const maxSize = 8192

/** Copies the members of an object, with nothing but JSON data in it. */
export function copyBounded(
  source: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const copy = copyMembers(source, 0)
  if (JSON.stringify(copy).length <= maxSize) return copy
  // What is on top is short, and says most
  const shallow = Object.entries(copy).map(([name, value]) => [
    name,
    typeof value === 'object' && value !== null ? '…' : value,
  ])
  return Object.fromEntries(shallow)
}

function copyMembers(
  source: Readonly<Record<string, unknown>>,
  depth: number,
): Readonly<Record<string, unknown>> {
  const members = Object.entries(source).slice(0, maxMembers)
  return Object.fromEntries(
    members.map(([name, value]) => {
      const text = name === 'x5c' ? maxCertificate : maxText
      return [shorten(name, maxText), copyValue(value, { depth, text })]
    }),
  )
}

function copyValue(value: unknown, limits: { depth: number; text: number }): unknown {
  if (typeof value === 'string') return shorten(hideTokens(value), limits.text)
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value
  if (limits.depth >= maxDepth) return '…'
  const depth = limits.depth + 1
  if (Array.isArray(value)) {
    return value.slice(0, maxMembers).map((entry) => copyValue(entry, { ...limits, depth }))
  }
  return isObject(value) ? copyMembers(value, depth) : undefined
}

/** A token within a claim is one, whatever the claim is called. */
function hideTokens(text: string): string {
  return text.replace(/\beyJ[\w-]+\.[\w-]*\.[\w.-]*/g, '[removed]')
}

function shorten(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}
