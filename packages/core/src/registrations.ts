/**
 * The registrations of an app: one, several by id, or those that are looked up when they are asked for.
 *
 * @module
 */

import type { Clock } from './base/clock.ts'
import type { Config } from './config.ts'
import { OidcError, SessionError, TransactionError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { ProviderConfig } from './provider-config.ts'
import { isProviderId } from './providers-config.ts'
import type { Registration } from './registration.ts'
import { createRegistrationLookup } from './registration-lookup.ts'
import type { Session } from './session/session.ts'
import { everyTenant, type Tenant } from './tenant.ts'

/** The registrations of an app. */
export interface Registrations {
  /** Those that are known at start. */
  readonly all: readonly Registration[]
  /** The one with this id, looked up where need be. @throws ProviderError, ConfigurationError */
  find(id: string): Promise<Registration | undefined>
  /**
   * The one that a session is of.
   *
   * @throws TransactionError `ERR_LOGIN_REQUEST` when the app does not have it any more
   */
  of(session: Pick<Session, 'provider'>): Promise<Registration>
  /** The id that the app says a request belongs to, if it says one. It may be no id of any. */
  tenantOf(exchange: Exchange): Promise<string | undefined>
  /**
   * The one to sign in at: the one that is named, else the one that the request belongs to; `undefined`
   * where there is a choice.
   *
   * @throws TransactionError `ERR_LOGIN_REQUEST` for one that is not there, or that the request does not
   *   belong to
   */
  choose(exchange: Exchange, named: string | undefined): Promise<Registration | undefined>
  /** Whether a session can be of one of them, as far as that is known without looking up. */
  accepts(session: Pick<Session, 'provider' | 'claims'>): boolean
  /**
   * Whether a request may see a session: the provider is there still, and is that of the request.
   *
   * @throws SessionError `ERR_SESSION_STORE` when that cannot be told
   */
  admits(session: Pick<Session, 'provider' | 'claims'>, exchange: Exchange): Promise<boolean>
  close(): Promise<void>
}

/** Refuses the name of a provider that is not there. */
export function unknownProvider(named: string): never {
  const message =
    named === ''
      ? 'the request names no provider'
      : `there is no provider ${JSON.stringify(named.slice(0, 64))}`
  throw new TransactionError('ERR_LOGIN_REQUEST', message, { reason: 'missing' })
}

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
  const lookedUp = lookup && createRegistrationLookup({ lookup, create, clock })
  const tenants = new WeakMap<Exchange, Promise<Tenant>>()

  async function find(id: string): Promise<Registration | undefined> {
    const known = byId.get(id)
    if (known || !lookedUp || !isProviderId(id)) return known
    return await lookedUp.find(id)
  }

  /** Asked once for each request. */
  async function place(exchange: Exchange): Promise<Tenant> {
    if (!resolve) return undefined
    const known = tenants.get(exchange) ?? resolve(exchange)
    tenants.set(exchange, known)
    return await known
  }

  return {
    all,
    find,
    async tenantOf(exchange) {
      const tenant = await place(exchange)
      return tenant === everyTenant ? undefined : tenant
    },
    async of({ provider = '' }) {
      return (await find(provider)) ?? unknownProvider(provider)
    },
    async choose(exchange, named) {
      const tenant = await place(exchange)
      const isBound = resolve !== undefined && tenant !== everyTenant
      // To sign in would not help: the request would see no session
      if (isBound && tenant === undefined) unknownProvider('')
      // RFC 9700, 4.4: what begins at one tenant does not end at another
      if (isBound && named !== undefined && named !== tenant) {
        const message = `the request belongs to another provider than "${named.slice(0, 64)}"`
        throw new TransactionError('ERR_LOGIN_REQUEST', message, { reason: 'mismatch' })
      }
      const id = named ?? (tenant === everyTenant ? undefined : tenant)
      return id === undefined ? only : ((await find(id)) ?? unknownProvider(id))
    },
    accepts({ provider = '', claims }) {
      if (lookup) return provider !== ''
      return byId.get(provider)?.issuer === claims.iss && (provider !== '') === hasSeveral
    },
    async admits({ provider = '', claims }, exchange) {
      const tenant = await place(exchange)
      // A request that the app cannot place sees nobody: its path may be written in another way
      if (resolve && tenant !== everyTenant && tenant !== provider) return false
      if (!lookup) return true
      try {
        return (await find(provider))?.issuer === claims.iss
      } catch (cause) {
        if (!(cause instanceof OidcError)) throw cause
        const message = `whether there is still a provider "${provider}" cannot be told`
        throw new SessionError('ERR_SESSION_STORE', message, { cause })
      }
    },
    async close() {
      await lookedUp?.close()
      await Promise.all(all.map((registration) => registration.close()))
    },
  }
}
