/**
 * Reading what others wrote: JSON that may be anything, and text that may hold anything.
 *
 * @module
 */

import { clean } from '../wrap.ts'

/** Whether a value has members. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Parses JSON; `undefined` where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Characters of a text of others that are told. */
export const longestShown = 300

/** The beginning of a text, which may be as long as its author liked. */
export function shorten(text: string, longest: number = longestShown): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}

/** Characters that a picture has room for, and how many of them are before the difference in long texts. */
const room = 64
const before = 24

/**
 * Where two texts begin to differ, as a picture of three lines. Of long ones it shows what is around the
 * difference.
 */
export function drawDifference(
  [oneLabel, one]: readonly [label: string, text: string],
  [otherLabel, other]: readonly [label: string, text: string],
): readonly string[] {
  const width = Math.max(oneLabel.length, otherLabel.length) + 2
  const at = findDifference(one, other)
  const isLong = Math.max(one.length, other.length) > room
  const from = isLong && at > before ? at - before : 0
  const start = from === 0 ? '' : '…'
  const show = (text: string) => start + clean(shorten(text.slice(from), room))
  // What is escaped takes more room than it had
  const caret = width + start.length + clean(one.slice(from, at)).length
  return [
    oneLabel.padEnd(width) + show(one),
    otherLabel.padEnd(width) + show(other),
    `${' '.repeat(caret)}^ ${nameDifference(one, other, at)}`,
  ]
}

function nameDifference(one: string, other: string, at: number): string {
  const place = `character ${at + 1}`
  if (at === one.length) return `${place}: the second one goes on`
  if (at === other.length) return `${place}: the second one ends here`
  return place
}

function findDifference(one: string, other: string): number {
  let at = 0
  while (at < one.length && one[at] === other[at]) at++
  return at
}
