/**
 * When each version of a key signs, and until when it is published: of the store's own data and nothing
 * else, so that every replica comes to the same answer.
 *
 * A new version is published as soon as it is there, and signs when it is `wait` seconds old: by then
 * whoever caches the JWK Set has it. The version before it is published for as long again.
 *
 * @module
 */

import type { KeyVersion } from './key-store.ts'

/** What is configured about the time of a key. */
export interface TimelineSettings {
  /** Seconds from the making of a version until it signs. */
  readonly wait: number
  /** NumericDate. */
  readonly notBefore?: number | undefined
  /** NumericDate. */
  readonly notAfter?: number | undefined
}

/** A version with its time. */
export interface TimedVersion<Version extends KeyVersion = KeyVersion> {
  readonly version: Version
  /** Not used for signing before this moment. NumericDate. */
  readonly notBefore: number | undefined
  /** Neither used nor published from this moment on. NumericDate. */
  readonly notAfter: number | undefined
}

/**
 * Seconds for which a version is published after the next one began, at the least: replicas that have not
 * looked for five minutes sign with it, and what they have signed is on its way.
 */
const leastOverlap = 600

/** Builds the timeline of a key's versions, the oldest first. */
export function buildTimeline<Version extends KeyVersion>(
  versions: readonly Version[],
  { wait, notBefore, notAfter }: TimelineSettings,
): readonly TimedVersion<Version>[] {
  const sorted = versions.toSorted((a, b) => (a.createdAt ?? 0) - (b.createdAt ?? 0))
  const begins: (number | undefined)[] = []
  for (const [index, version] of sorted.entries()) {
    const previous = sorted[index - 1]
    begins.push(
      previous ? readBegin(version, previous, begins[index - 1], wait) : version.notBefore,
    )
  }
  return sorted.map((version, index) => {
    const next = begins[index + 1]
    const end = next === undefined ? undefined : next + Math.max(wait, leastOverlap)
    return {
      version,
      notBefore: pick(Math.max, begins[index], notBefore),
      notAfter: pick(Math.min, end, version.notAfter, notAfter),
    }
  })
}

/**
 * A version begins when it has waited, or with the end of the one before; never sooner than the store
 * itself says, and never together with the one before. The oldest has nothing to wait for: there is no
 * other that could sign meanwhile.
 */
function readBegin(
  { createdAt, notBefore }: KeyVersion,
  previous: KeyVersion,
  previousBegin: number | undefined,
  wait: number,
): number | undefined {
  if (createdAt === undefined) return notBefore
  const begin = Math.min(createdAt + wait, previous.notAfter ?? Number.POSITIVE_INFINITY)
  const after = previousBegin === undefined ? begin : previousBegin + 1
  return Math.max(begin, after, notBefore ?? begin)
}

function pick(
  choose: (...values: readonly number[]) => number,
  ...moments: readonly (number | undefined)[]
): number | undefined {
  const known = moments.filter((moment) => moment !== undefined)
  return known.length === 0 ? undefined : choose(...known)
}
