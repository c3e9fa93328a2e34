/**
 * Options, checked: every fault at once, with its path and what to do.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import type { Clock } from './base/clock.ts'
import type { BaseUrl } from './base/url.ts'
import type { ClientAuthentication } from './client/authentication.ts'
import type { AssertionOptions } from './client/client-assertion.ts'
import { ConfigurationError, type ConfigurationIssue } from './errors.ts'
import type { Emit } from './events.ts'
import type { FetchSettings } from './http/fetch.ts'
import { readClientKey } from './keys/client-key.ts'
import type { TimedDecrypter } from './keys/decrypter.ts'
import { readDecryptionKey } from './keys/decryption-key.ts'
import { listNames } from './keys/public-jwk.ts'
import type { KeySource, NamedKey } from './keys/signer.ts'
import type { Authorization } from './login/authentication-request.ts'
import * as check from './option-checks.ts'
import { findShapeFaults } from './option-schema.ts'
import type { KeepableToken, Options } from './options.ts'
import type { Lifetimes } from './session/lifetime.ts'

/** Options with every default filled in, and nothing left to doubt. */
export interface Config {
  readonly issuer: string
  readonly clientId: string
  readonly clientAuth: ClientAuthentication
  readonly keySources: readonly KeySource[]
  readonly decryptionSources: readonly KeySource<TimedDecrypter>[]
  readonly assertion: AssertionOptions
  readonly baseUrl: BaseUrl
  readonly authorization: Authorization
  readonly session: {
    readonly secrets: readonly string[]
    readonly cookie: {
      readonly name: string
      readonly domain: string | undefined
      readonly path: string
      readonly sameSite: 'lax' | 'none'
    }
    readonly lifetimes: Lifetimes
    readonly keep: ReadonlySet<KeepableToken>
  }
  readonly userInfo: boolean
  readonly routes: {
    readonly login: string | false
    readonly callback: string
    readonly logout: string | false
    readonly jwks: string | false
  }
  readonly idToken: {
    readonly algs: readonly string[] | undefined
    readonly clockTolerance: number
    readonly trustedAudiences: readonly string[]
  }
  readonly http: FetchSettings
  readonly onLogin: Options['onLogin']
  readonly onError: Options['onError']
}

/** A check's result: a configuration, or everything that is wrong with it. */
export type CheckedOptions =
  | { readonly config: Config }
  | { readonly issues: readonly ConfigurationIssue[] }

/** What checking keys takes besides the options. */
export interface CheckContext {
  readonly clock: Clock
  readonly emit: Emit
}

/**
 * Reads options into a configuration.
 *
 * @throws ConfigurationError with every fault
 */
export function readConfig(options: Options, context: CheckContext): Config {
  const checked = checkOptions(options, context)
  if ('issues' in checked) throw new ConfigurationError(checked.issues)
  return checked.config
}

/** Checks options without throwing. */
export function checkOptions(options: Options, context: CheckContext): CheckedOptions {
  const issues = findShapeFaults(options)
  // The meaning of what can be read is checked even where something else cannot be
  const hasShape = (path: string) =>
    !issues.some((issue) => issue.path === path || issue.path.startsWith(`${path}.`))
  const readable = Object.keys(options ?? {}).filter(hasShape)
  const given: Partial<Options> = Object.fromEntries(
    Object.entries(options ?? {}).filter(([name]) => readable.includes(name)),
  )
  const report = (path: string, message: string) => {
    issues.push({ path, message })
  }

  const issuer = given.issuer === undefined ? '' : check.readIssuer(given.issuer, report)
  const baseUrl = given.baseUrl === undefined ? undefined : check.readBaseUrl(given.baseUrl, report)
  const secrets = given.session ? check.readSecrets(given.session.secret, report) : []
  check.checkSession(given.session, baseUrl, report)
  check.checkAuthorization(given, report)
  check.checkAssertion(given.assertion, report)
  check.checkRoutes(given.routes, report)
  check.checkHttp(given.http, report)
  const algs = check.readIdTokenAlgs(given, report)
  const authentication = hasShape('clientAuth')
    ? readAuthentication(given, context, report)
    : { clientAuth: 'private_key_jwt' as const, keySources: [], known: [] }
  const decryptionSources = readDecryption(given, authentication.known, { ...context, report })

  if (issues.length > 0 || !baseUrl) return { issues }
  const read = { issuer, baseUrl, secrets, algs, ...authentication, decryptionSources }
  return { config: buildConfig(options, read) }
}

function readAuthentication(
  { clientKey, clientAuth }: Partial<Options>,
  context: CheckContext,
  report: check.Report,
): Pick<Config, 'clientAuth' | 'keySources'> & { readonly known: readonly NamedKey[] } {
  const choice = clientAuth ?? 'private_key_jwt'
  if (clientKey === undefined) {
    if (choice === 'private_key_jwt') {
      report('clientKey', 'is required: file:./key.pem, env:NAME, or the PEM or JWK itself')
    }
    return { clientAuth: choice, keySources: [], known: [] }
  }
  if (choice !== 'private_key_jwt') {
    report('clientAuth', 'cannot be used together with "clientKey": remove one of the two')
  }
  const { sources, known, issues } = readClientKey(clientKey, {
    ...context,
    defaultRsaAlg: 'RS256',
    path: 'clientKey',
  })
  for (const issue of issues) report(issue.path, issue.message)
  return { clientAuth: choice, keySources: sources, known }
}

/** Reads the decryption keys, none of which may sign: a key has one use (RFC 7517, 4.2). */
function readDecryption(
  { idToken }: Partial<Options>,
  signing: readonly NamedKey[],
  { emit, report }: CheckContext & { readonly report: check.Report },
): Config['decryptionSources'] {
  if (idToken?.decryptionKey === undefined) return []
  const path = 'idToken.decryptionKey'
  const { sources, known, issues } = readDecryptionKey(idToken.decryptionKey, { path, emit })
  for (const issue of issues) report(issue.path, issue.message)
  const list = ({ kid, publicJwk }: NamedKey) => listNames({ ...publicJwk, kid })
  const taken = new Set(signing.flatMap(list))
  const shared = known.find((key) => list(key).some((name) => taken.has(name)))
  if (shared) {
    report(path, `has the key or the "kid" of a client key, "${shared.kid}": make a key of its own`)
  }
  return sources
}

interface Read
  extends Pick<Config, 'issuer' | 'baseUrl' | 'clientAuth' | 'keySources' | 'decryptionSources'> {
  readonly secrets: readonly string[]
  readonly algs: readonly string[] | undefined
}

function buildConfig(options: Options, read: Read): Config {
  const { session, routes, http, idToken } = options
  const authorization = options.authorization ?? {}
  return deepFreeze({
    issuer: read.issuer,
    clientId: options.clientId,
    clientAuth: read.clientAuth,
    keySources: read.keySources,
    decryptionSources: read.decryptionSources,
    assertion: structuredClone({
      audience: 'issuer',
      lifetime: 60,
      kid: 'thumbprint' as const,
      header: {},
      claims: {},
      ...check.dropUndefined(options.assertion ?? {}),
    }),
    baseUrl: read.baseUrl,
    authorization:
      typeof authorization === 'function' ? authorization : structuredClone(authorization),
    session: {
      secrets: [...read.secrets],
      cookie: {
        name: session.cookie?.name ?? buildCookieName(options, read),
        domain: session.cookie?.domain,
        path: session.cookie?.path ?? '/',
        sameSite: session.cookie?.sameSite ?? 'lax',
      },
      lifetimes: {
        idleTimeout: Math.min(session.idleTimeout ?? 86_400, session.lifetime ?? 604_800),
        lifetime: session.lifetime ?? 604_800,
      },
      keep: new Set(session.keep),
    },
    userInfo: options.userInfo ?? false,
    routes: { ...check.defaultRoutes, ...check.dropUndefined(routes ?? {}) },
    idToken: {
      algs: read.algs,
      clockTolerance: idToken?.clockTolerance ?? 30,
      trustedAudiences: [...(idToken?.trustedAudiences ?? [])],
    },
    http: {
      timeout: http?.timeout ?? 5,
      userAgent: http?.userAgent ?? 'countersign',
      ca: http?.ca && [http.ca].flat(),
      proxy: http?.proxy,
      fetch: http?.fetch,
    },
    onLogin: options.onLogin,
    onError: options.onError,
  })
}

/** Two apps on one host, or two providers in one app, must not take each other's cookies. */
function buildCookieName({ clientId }: Options, { issuer, baseUrl }: Read): string {
  const own = JSON.stringify([issuer, clientId, baseUrl.origin, baseUrl.path])
  return `oidc-${createHash('sha256').update(own).digest('hex').slice(0, 6)}`
}

/** What users passed in ready-made, which may have a state of its own. */
const theirs = new Set(['clientAuth', 'keySources', 'decryptionSources'])

/** Freezes what was built here: it holds for as long as the Relying Party does. */
function deepFreeze<Value extends object>(value: Value): Value {
  for (const [name, member] of Object.entries(value)) {
    if (typeof member === 'object' && member !== null && !theirs.has(name)) deepFreeze(member)
  }
  return Object.freeze(value)
}
