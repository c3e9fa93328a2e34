/**
 * Reading what others wrote: JSON that may be anything, and text that may hold anything.
 *
 * @module
 */

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

/** The beginning of a text, which may be as long as its author liked. */
export function shorten(text: string, longest: number = 300): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}

/** Where two texts begin to differ, as a picture of three lines. */
export function drawDifference(
  [oneLabel, one]: readonly [label: string, text: string],
  [otherLabel, other]: readonly [label: string, text: string],
): readonly string[] {
  const width = Math.max(oneLabel.length, otherLabel.length) + 2
  const at = findDifference(one, other)
  return [
    `${oneLabel.padEnd(width)}${shorten(one)}`,
    `${otherLabel.padEnd(width)}${shorten(other)}`,
    `${' '.repeat(width + at)}^ ${nameDifference(one, other, at)}`,
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
