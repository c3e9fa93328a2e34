/**
 * Registrations that are looked up when they are asked for: kept for a while, and not more than so many.
 *
 * @module
 */

import { actInTime, waitUntilAborted } from './base/abort.ts'
import type { Clock } from './base/clock.ts'
import { keepNewest } from './base/newest.ts'
import { ProviderError } from './errors.ts'
import type { ProviderConfig } from './provider-config.ts'
import type { Lookup } from './providers-config.ts'
import type { Registration } from './registration.ts'

/** Registrations by id. */
export interface RegistrationLookup {
  /**
   * Finds a registration. One that is known stays as it is while it cannot be looked up again: an app
   * whose tenants' database is away does not turn their End-Users away.
   *
   * @throws ProviderError `ERR_PROVIDER_UNAVAILABLE` when it is not known, and cannot be looked up
   * @throws ConfigurationError when what was found cannot work
   */
  find(id: string): Promise<Registration | undefined>
  close(): Promise<void>
}

/** Registrations kept, at most; and those that are not kept any more and not closed yet. */
const maxKept = 1000
/** Seconds after which a registration is looked up again. */
const lifetime = 300
/** The same, when it could not be. */
const retryAfter = 30
/** Ids that nobody has, at most, and the seconds after which they are looked up again. */
const maxUnknown = 1000
const unknownFor = 30
/** Milliseconds that one lookup may take. */
const patience = 5000
/** Milliseconds for which a request may be under way with a registration that is not kept any more. */
const grace = 60_000

interface Kept {
  readonly registration: Registration
  readonly version: string
  readonly until: number
}

/** Creates the lookup. Nothing is looked up yet. */
export function createRegistrationLookup({
  lookup,
  create,
  clock,
}: {
  lookup: Lookup
  create: (config: ProviderConfig) => Registration
  clock: Clock
}): RegistrationLookup {
  /** The one that was asked for last is the last one. */
  const kept = new Map<string, Kept>()
  /** Ids that nobody has, and until when. Anybody can ask for them: they push out no one who is kept. */
  const unknown = new Map<string, number>()
  const underWay = new Map<string, Promise<Registration | undefined>>()
  /** Not kept any more, each with the timer that closes it. */
  const retired = new Map<Registration, NodeJS.Timeout>()

  async function ask(id: string): ReturnType<Lookup> {
    try {
      return await actInTime({ milliseconds: patience }, (signal) =>
        waitUntilAborted(lookup(id), signal),
      )
    } catch (cause) {
      const message = `the provider "${id}" could not be looked up`
      throw new ProviderError('ERR_PROVIDER_UNAVAILABLE', message, { cause })
    }
  }

  async function lookUp(id: string): Promise<Registration | undefined> {
    let found: Awaited<ReturnType<Lookup>>
    try {
      found = await ask(id)
    } catch (error) {
      const known = kept.get(id)
      if (!known) throw error
      keep(id, { ...known, until: clock.now() + retryAfter })
      return known.registration
    }
    const known = kept.get(id)
    let registration: Registration | undefined
    try {
      // What it knows of the provider, and the refreshes under way, are not lost without need
      const isSame = found !== undefined && known?.version === found.version
      registration = isSame ? known?.registration : found && create(found.read())
    } finally {
      if (known && known.registration !== registration) retire(id, known)
    }
    if (!found || !registration) {
      noteUnknown(id)
      return undefined
    }
    keep(id, { registration, version: found.version, until: clock.now() + lifetime })
    return registration
  }

  function keep(id: string, one: Kept): void {
    kept.delete(id)
    kept.set(id, one)
    const [oldest] = kept.size > maxKept ? kept : []
    if (oldest) retire(...oldest)
  }

  function noteUnknown(id: string): void {
    keepNewest(unknown, [id, clock.now() + unknownFor], maxUnknown)
  }

  function retire(id: string, { registration }: Kept): void {
    kept.delete(id)
    const timer = setTimeout(() => dismiss(registration), grace)
    // Not a reason for the process to stay
    timer.unref()
    retired.set(registration, timer)
    const [oldest] = retired.size > maxKept ? retired.keys() : []
    if (oldest) dismiss(oldest)
  }

  function dismiss(registration: Registration): void {
    clearTimeout(retired.get(registration))
    retired.delete(registration)
    registration.close().catch(() => {})
  }

  return {
    async find(id) {
      const known = kept.get(id)
      if (known && clock.now() < known.until) {
        keep(id, known)
        return known.registration
      }
      if (clock.now() < (unknown.get(id) ?? 0)) return undefined
      const begun = underWay.get(id)
      if (begun) return await begun
      const flight = lookUp(id).finally(() => underWay.delete(id))
      underWay.set(id, flight)
      return await flight
    },
    async close() {
      const all = [...kept.values()].map(({ registration }) => registration)
      all.push(...retired.keys())
      for (const timer of retired.values()) clearTimeout(timer)
      kept.clear()
      unknown.clear()
      retired.clear()
      await Promise.all(all.map((registration) => registration.close()))
    },
  }
}
