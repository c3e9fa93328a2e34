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

/** Builds the timeline of a key's versions, the oldest first. */
export function buildTimeline<Version extends KeyVersion>(
  versions: readonly Version[],
  { wait, notBefore, notAfter }: TimelineSettings,
): readonly TimedVersion<Version>[] {
  const sorted = versions.toSorted((a, b) => (a.createdAt ?? 0) - (b.createdAt ?? 0))
  const begins = sorted.map((version, index) => readBegin(version, sorted[index - 1], wait))
  return sorted.map((version, index) => {
    const next = begins[index + 1]
    const end = version.notAfter ?? (next === undefined ? undefined : next + wait)
    return {
      version,
      notBefore: pick(Math.max, begins[index], notBefore),
      notAfter: pick(Math.min, end, notAfter),
    }
  })
}

/** The oldest version has nothing to wait for: there is no other that could sign meanwhile. */
function readBegin(
  version: KeyVersion,
  previous: KeyVersion | undefined,
  wait: number,
): number | undefined {
  if (version.notBefore !== undefined) return version.notBefore
  if (!previous || version.createdAt === undefined) return undefined
  const begin = version.createdAt + wait
  return Math.min(begin, previous.notAfter ?? begin)
}

function pick(
  choose: (...values: readonly number[]) => number,
  ...moments: readonly (number | undefined)[]
): number | undefined {
  const known = moments.filter((moment) => moment !== undefined)
  return known.length === 0 ? undefined : choose(...known)
}
