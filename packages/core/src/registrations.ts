/**
 * The registrations of an app: one, several by id, or those that are looked up when they are asked for.
 *
 * @module
 */

import type { Clock } from './base/clock.ts'
import type { Config } from './config.ts'
import { TransactionError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { ProviderConfig } from './provider-config.ts'
import { isProviderId } from './providers-config.ts'
import type { Registration } from './registration.ts'
import type { Session } from './session/session.ts'

/** The registrations of an app. */
export interface Registrations {
  /** Those that are known at start. */
  readonly all: readonly Registration[]
  /** The one with this id, looked up where need be. */
  find(id: string): Promise<Registration | undefined>
  /**
   * The one that a session is of.
   *
   * @throws TransactionError `ERR_LOGIN_REQUEST` when the app does not have it any more
   */
  of(session: Pick<Session, 'provider'>): Promise<Registration>
  /** The one to sign in at, where nobody has named one; `undefined` where there is a choice. */
  choose(exchange: Exchange): Promise<Registration | undefined>
  /** Whether a session can be of one of them, as far as that is known without looking up. */
  accepts(session: Pick<Session, 'provider' | 'claims'>): boolean
  close(): Promise<void>
}

/** Registrations that were looked up, at most, and for how long. Seconds. */
const maxLookedUp = 100
const lookupLifetime = 300

/** Creates the registrations. Nothing is looked up. */
export function createRegistrations(
  {
    providers,
    lookup,
    resolve,
    hasSeveral,
  }: Pick<Config, 'providers' | 'lookup' | 'resolve' | 'hasSeveral'>,
  create: (config: ProviderConfig) => Registration,
  clock: Clock,
): Registrations {
  const all = providers.map(create)
  const byId = new Map(all.map((registration) => [registration.id, registration]))
  const [only] = all.length === 1 ? all : []
  const lookedUp = new Map<string, { found: Promise<Registration | undefined>; until: number }>()

  async function lookUp(id: string): Promise<Registration | undefined> {
    const known = lookedUp.get(id)
    // The one that was asked for last goes last
    lookedUp.delete(id)
    if (known && clock.now() < known.until) {
      lookedUp.set(id, known)
      return await known.found
    }
    const [oldest] = lookedUp.size >= maxLookedUp ? lookedUp.keys() : []
    if (oldest !== undefined) drop(oldest)
    const found = Promise.resolve(lookup?.(id)).then((config) => config && create(config))
    // An unknown id is not worth remembering: anybody can ask for as many as he likes
    const forget = () => lookedUp.get(id)?.found === found && lookedUp.delete(id)
    found.then((registration) => registration ?? forget(), forget)
    lookedUp.set(id, { found, until: clock.now() + lookupLifetime })
    if (known) close(known)
    return await found
  }

  function drop(id: string): void {
    const dropped = lookedUp.get(id)
    lookedUp.delete(id)
    if (dropped) close(dropped)
  }

  function close({ found }: { readonly found: Promise<Registration | undefined> }): void {
    found.then((registration) => registration?.close()).catch(() => {})
  }

  async function find(id: string): Promise<Registration | undefined> {
    const known = byId.get(id)
    if (known || !lookup || !isProviderId(id)) return known
    return await lookUp(id)
  }

  return {
    all,
    find,
    async of({ provider = '' }) {
      const found = await find(provider)
      if (found) return found
      throw new TransactionError('ERR_LOGIN_REQUEST', `there is no provider "${provider}"`, {
        reason: 'missing',
      })
    },
    async choose(exchange) {
      const id = await resolve?.(exchange)
      return id === undefined ? only : await find(id)
    },
    accepts({ provider = '', claims }) {
      if (lookup) return provider !== ''
      return byId.get(provider)?.issuer === claims.iss && (provider !== '') === hasSeveral
    },
    async close() {
      for (const id of [...lookedUp.keys()]) drop(id)
      await Promise.all(all.map((registration) => registration.close()))
    },
  }
}
