/**
 * The parts of one Relying Party, made once and handed to whoever needs several of them.
 *
 * @module
 */

import type { Clock } from './base/clock.ts'
import { readReturnTo } from './base/url.ts'
import { createClientAuthentication } from './client/authentication.ts'
import type { Config } from './config.ts'
import type { Emit } from './events.ts'
import { buildCookieName, type CookieAttributes } from './http/cookies.ts'
import { createFetch } from './http/fetch.ts'
import { createSealer } from './jose/seal.ts'
import { createDecryptionRing, type DecryptionRing } from './keys/decryption-ring.ts'
import { createKeyRing, type KeyRing } from './keys/key-ring.ts'
import type { LoginSettings } from './login/authentication-request.ts'
import type { RedeemSettings } from './login/authentication-response.ts'
import { verifySecretSignature } from './login/id-token.ts'
import { createLoopBreaker, type LoopBreaker } from './login/loop-breaker.ts'
import { createTransactions, type Transactions } from './login/transaction.ts'
import type { LogoutSettings } from './logout/rp-initiated.ts'
import { readClientSecret } from './option-checks.ts'
import { createProvider, type Provider } from './provider/discovery.ts'
import { createCookieStore } from './session/cookie-store.ts'
import type { KeptTokens } from './session/session.ts'
import type { SessionStore } from './session/store.ts'
import { createRefresh, type Refresh } from './tokens/refresh.ts'

/** Everything that belongs to one Relying Party. */
export interface Wiring {
  readonly config: Config
  readonly clock: Clock
  readonly emit: Emit
  readonly keyRing: KeyRing | undefined
  readonly decryptionRing: DecryptionRing | undefined
  readonly provider: Provider
  readonly store: SessionStore
  readonly transactions: Transactions
  readonly loopBreaker: LoopBreaker
  readonly refresh: Refresh
  readonly login: LoginSettings
  readonly redeem: RedeemSettings
  readonly logout: LogoutSettings
  readonly redirectUri: string
  /** Where a person signs in, as an absolute URL; `undefined` when that route is switched off. */
  readonly loginUrl: string | undefined
  /** Reads a place to return to after login: never one of our own routes. */
  readReturnTo(untrusted: string | undefined): string
  /** The path of a route of ours that a request target asks for, or of the app. */
  internalPath(target: string): string
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
  const { baseUrl, issuer, clientId, idToken, routes } = config
  const parts = { clock, emit }
  const keyRing =
    config.keySources.length > 0
      ? createKeyRing({ sources: config.keySources, ...parts })
      : undefined
  const decryptionRing =
    config.decryptionSources.length > 0
      ? createDecryptionRing({ sources: config.decryptionSources, ...parts })
      : undefined
  async function checkKeys(): Promise<void> {
    await Promise.all([keyRing?.check(), decryptionRing?.usable()])
  }
  const clientAuth = createClientAuthentication(config.clientAuth, {
    keyRing,
    options: config.assertion,
    ...parts,
  })
  const secret = readClientSecret(config.clientAuth)
  const usesSecret = idToken.algs?.some((alg) => alg.startsWith('HS')) ?? false
  const verifySecret =
    usesSecret && secret !== undefined
      ? (token: string) => verifySecretSignature(token, secret, idToken.algs ?? [])
      : undefined
  const provider = createProvider({
    issuer,
    clientId,
    clientAuth,
    idTokenAlgs: idToken.algs,
    hasAsymmetricIdTokens: verifySecret === undefined,
    clockTolerance: idToken.clockTolerance,
    decryptionRing,
    fetch: createFetch(config.http),
    ...parts,
  })
  const cookies = createCookieParts(config, parts)
  const redirectUri = baseUrl.origin + baseUrl.path + routes.callback
  const own = [routes.login, routes.callback, routes.logout].map((path) => baseUrl.path + path)

  function readSafeReturnTo(untrusted: string | undefined): string {
    const returnTo = readReturnTo(untrusted, baseUrl)
    return own.includes(returnTo.split(/[?#]/, 1)[0] ?? '') ? baseUrl.home : returnTo
  }

  return {
    config,
    ...parts,
    ...cookies,
    keyRing,
    decryptionRing,
    provider,
    redirectUri,
    loginUrl: routes.login === false ? undefined : baseUrl.origin + baseUrl.path + routes.login,
    refresh: createRefresh({ provider, verifySecretSignature: verifySecret, ...parts }),
    login: {
      provider,
      redirectUri,
      baseUrl,
      authorization: config.authorization,
      checkKeys,
      ...cookies,
      ...parts,
    },
    redeem: {
      provider,
      clientId,
      redirectUri,
      trustedAudiences: idToken.trustedAudiences,
      clockTolerance: idToken.clockTolerance,
      verifySecretSignature: verifySecret,
      clock,
    },
    logout: { provider, clientId, baseUrl, emit, loopBreaker: cookies.loopBreaker },
    readReturnTo: readSafeReturnTo,
    internalPath: (target) => stripBase(pathOf(target), baseUrl.path),
    externalPath: (target) =>
      // A proxy may have taken the path of "baseUrl" away
      isBelow(pathOf(target), baseUrl.path) ? target : baseUrl.path + target,
    keepTokens: (tokens) => pickTokens(tokens, config.session.keep),
  }
}

/** Sessions opened lately that need not be opened again: some megabytes at the most. */
const rememberedSessions = 500

function createCookieParts(
  { session, baseUrl, issuer, clientId }: Config,
  { clock, emit }: { clock: Clock; emit: Emit },
): Pick<Wiring, 'store' | 'transactions' | 'loopBreaker'> {
  const { domain, path, sameSite } = session.cookie
  const attributes: CookieAttributes = { secure: baseUrl.isHttps, sameSite, path, domain }
  const name = buildCookieName(session.cookie.name, attributes)
  // Bound to this client at this provider: another's cookie is not opened, whatever its name
  const seal = (purpose: string, remembered = 0) =>
    createSealer(session.secrets, JSON.stringify([purpose, issuer, clientId]), { remembered })
  const store = createCookieStore({
    name,
    attributes,
    lifetimes: session.lifetimes,
    sealer: seal('session', rememberedSessions),
    clock,
    emit,
  })
  return {
    store,
    loopBreaker: createLoopBreaker({ name, attributes, store, clock }),
    transactions: createTransactions({ name, attributes, sealer: seal('login'), clock }),
  }
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
  { idToken, accessToken, refreshToken, expiresAt, scope }: KeptTokens,
  keep: Config['session']['keep'],
): KeptTokens | undefined {
  if (keep.size === 0) return undefined
  return {
    ...(keep.has('idToken') && { idToken }),
    ...(keep.has('accessToken') && { accessToken, expiresAt }),
    ...(keep.has('refreshToken') && { refreshToken }),
    scope,
  }
}
