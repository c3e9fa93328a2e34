/**
 * The parts of one Relying Party, made once and handed to whoever needs several of them.
 *
 * @module
 */

import type { Clock } from './base/clock.ts'
import { readReturnTo } from './base/url.ts'
import type { Config } from './config.ts'
import type { Emit } from './events.ts'
import { buildCookieName, type CookieAttributes } from './http/cookies.ts'
import { createSealer } from './jose/seal.ts'
import { createLoopBreaker, type LoopBreaker } from './login/loop-breaker.ts'
import { createTransactions, type Transactions } from './login/transaction.ts'
import type { LogoutSettings } from './logout/rp-initiated.ts'
import { createSignedOut } from './logout/signed-out.ts'
import { createOwnPaths, type OwnPath } from './own-paths.ts'
import { createRegistration } from './registration.ts'
import { createRegistrations, type Registrations } from './registrations.ts'
import type { KeptTokens } from './session/session.ts'
import { createSessions, type Sessions } from './sessions.ts'
import { everyTenant } from './tenant.ts'

/** Everything that belongs to one Relying Party. */
export interface Wiring extends Sessions {
  readonly config: Config
  readonly clock: Clock
  readonly emit: Emit
  readonly registrations: Registrations
  readonly logout: LogoutSettings
  readonly transactions: Transactions
  readonly loopBreaker: LoopBreaker
  /** Where a person signs in, as an absolute URL; `undefined` when that route is switched off. */
  readonly loginUrl: string | undefined
  /** Reads a place to return to after login: never one of our own routes. */
  readReturnTo(untrusted: string | undefined): string
  /** What a request target asks for, where that is one of our routes. */
  findOwnPath(target: string): OwnPath | undefined
  /** The path and query under which a browser knows a request target. */
  externalPath(target: string): string
  /** The part of a token response that `session.keep` asks for. */
  keepTokens(tokens: KeptTokens): KeptTokens | undefined
}

/** Makes the parts of a Relying Party fit together. No request is made. */
export function createWiring(
  config: Config,
  { clock, emit }: { clock: Clock; emit: Emit },
): Wiring {
  const { baseUrl, routes, session } = config
  const parts = { clock, emit }
  const { domain, path, sameSite } = session.cookie
  const attributes: CookieAttributes = { secure: baseUrl.isHttps, sameSite, path, domain }
  const name = buildCookieName(session.cookie.name, attributes)
  const seal = (purpose: string, remembered = 0) =>
    createSealer(session.secrets, JSON.stringify([purpose, ...readIdentity(config)]), {
      remembered,
    })
  const transactions = createTransactions({ name, attributes, sealer: seal('login'), clock })
  // Registrations and sessions know each other: a session is of a registration, and a login ends in one
  let store: Sessions['store'] | undefined
  const loopBreaker = createLoopBreaker({
    name,
    attributes,
    inspect: (exchange) => store?.inspect(exchange) ?? 'none',
    clock,
  })
  const ownPaths = createOwnPaths(config)
  const findOwnPath = (target: string) => ownPaths(stripBase(pathOf(target), baseUrl.path))
  const { resolve } = config
  const registrations = createRegistrations(
    {
      ...config,
      resolve:
        resolve &&
        (async (exchange) =>
          // A route of ours is everybody's unless the app says otherwise
          (await resolve(exchange)) ?? (findOwnPath(exchange.target) ? everyTenant : undefined)),
    },
    (provider) =>
      createRegistration(provider, {
        baseUrl,
        callbackPath: (id) => (id === '' ? routes.callback : `${routes.callback}/${id}`),
        transactions,
        loopBreaker,
        ...parts,
      }),
    clock,
  )
  const sessions = createSessions(config, { name, attributes, seal, registrations, ...parts })
  store = sessions.store
  const signedOut = createSignedOut({ name, attributes })

  function readSafeReturnTo(untrusted: string | undefined): string {
    const returnTo = readReturnTo(untrusted, baseUrl)
    const [target = ''] = returnTo.split(/[?#]/, 1)
    const { name } = (isBelow(target, baseUrl.path) && findOwnPath(target)) || {}
    const isOwn = name === 'login' || name === 'callback' || name === 'logout'
    return isOwn ? baseUrl.home : returnTo
  }

  return {
    config,
    ...parts,
    ...sessions,
    registrations,
    logout: { baseUrl, loopBreaker, signedOut, of: registrations.of, emit },
    transactions,
    loopBreaker,
    loginUrl: routes.login === false ? undefined : baseUrl.origin + baseUrl.path + routes.login,
    readReturnTo: readSafeReturnTo,
    findOwnPath,
    externalPath: (target) =>
      // A proxy may have taken the path of "baseUrl" away
      isBelow(pathOf(target), baseUrl.path) ? target : baseUrl.path + target,
    keepTokens: (tokens) => pickTokens(tokens, session.keep),
  }
}

/** Bound to this client at this provider: another's cookie is not opened, whatever its name. */
function readIdentity({ hasSeveral, providers, baseUrl }: Config): readonly string[] {
  const [only] = providers
  // With several, one more provider does not sign everybody out
  return hasSeveral || !only
    ? ['providers', baseUrl.origin + baseUrl.path]
    : [only.issuer, only.clientId]
}

function pathOf(target: string): string {
  const end = target.indexOf('?')
  return end === -1 ? target : target.slice(0, end)
}

function isBelow(path: string, base: string): boolean {
  return base === '' || path === base || path.startsWith(`${base}/`)
}

function stripBase(path: string, base: string): string {
  return base !== '' && isBelow(path, base) ? path.slice(base.length) || '/' : path
}

function pickTokens(
  { idToken, accessToken, refreshToken, expiresAt, refreshedFor, scope, nonce }: KeptTokens,
  keep: Config['session']['keep'],
): KeptTokens | undefined {
  if (keep.size === 0) return undefined
  return {
    ...(keep.has('idToken') && { idToken }),
    ...(keep.has('accessToken') && { accessToken, expiresAt, refreshedFor }),
    ...(keep.has('refreshToken') && { refreshToken, nonce }),
    scope,
  }
}
