/**
 * Options, checked: every fault at once, with its path and what to do.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { dropUndefined } from './base/objects.ts'
import type { BaseUrl } from './base/url.ts'
import { ConfigurationError, type ConfigurationIssue } from './errors.ts'
import type { Exchange } from './exchange.ts'
import * as check from './option-checks.ts'
import { findShapeFaults, hasProviders } from './option-schema.ts'
import type { KeepableToken, MultiProviderOptions, Options, RoutesOption } from './options.ts'
import { type CheckContext, type ProviderConfig, readProviderConfig } from './provider-config.ts'
import { type Lookup, readProviders } from './providers-config.ts'
import type { Lifetimes } from './session/lifetime.ts'
import type { SessionBackend } from './session/records.ts'
import type { TryLock } from './session/store-lock.ts'
import { everyTenant, type Tenant } from './tenant.ts'

export type { CheckContext } from './provider-config.ts'

/** The options of an app with one provider, or with several: nothing between the two. */
export type AnyOptions =
  | (Options & { readonly providers?: never; readonly resolve?: never })
  | (MultiProviderOptions & { readonly issuer?: never; readonly clientId?: never })

/** Options with every default filled in, and nothing left to doubt. */
export interface Config {
  readonly baseUrl: BaseUrl
  /** The providers that are known at start: one, several, or none where they are looked up. */
  readonly providers: readonly ProviderConfig[]
  /** Whether sessions and routes name their provider. */
  readonly hasSeveral: boolean
  /** Looks up a provider that is not known at start. */
  readonly lookup: Lookup | undefined
  /** Whom a request belongs to. */
  readonly resolve: ((exchange: Exchange) => Promise<Tenant>) | undefined
  readonly session: SessionConfig
  readonly logout: { readonly store: SessionBackend | undefined }
  readonly routes: Readonly<Record<Exclude<keyof RoutesOption, 'callback'>, string | false>> & {
    readonly callback: string
  }
  readonly onLogin: Options['onLogin']
  readonly onError: Options['onError']
}

/** What is configured of sessions. */
export interface SessionConfig {
  readonly secrets: readonly string[]
  readonly store: SessionBackend | 'framework' | undefined
  /** Seconds. */
  readonly storeTimeout: number
  readonly storeFailure: 'refuse' | 'anonymous'
  readonly lock: TryLock | undefined
  readonly maxSessions: number
  readonly refusedRefresh: 'end' | 'sign-in'
  readonly cookie: {
    readonly name: string
    readonly domain: string | undefined
    readonly path: string
    readonly sameSite: 'lax' | 'none'
  }
  readonly lifetimes: Lifetimes
  readonly keep: ReadonlySet<KeepableToken>
}

/** A check's result: a configuration, or everything that is wrong with it. */
export type CheckedOptions =
  | { readonly config: Config }
  | { readonly issues: readonly ConfigurationIssue[] }

/**
 * Reads options into a configuration.
 *
 * @throws ConfigurationError with every fault
 */
export function readConfig(options: AnyOptions, context: CheckContext): Config {
  const checked = checkOptions(options, context)
  if ('issues' in checked) throw new ConfigurationError(checked.issues)
  return checked.config
}

/** Checks options without throwing. */
export function checkOptions(options: AnyOptions, context: CheckContext): CheckedOptions {
  const faults = findShapeFaults(options)
  const issues = [...faults]
  // The meaning of what can be read is checked even where something else cannot be
  const hasShape = (path: string) =>
    !faults.some((fault) => fault.path === path || fault.path.startsWith(`${path}.`))
  const given = pickReadable(options, hasShape)
  const report = (path: string, message: string) => {
    issues.push({ path, message })
  }

  const providers = hasProviders(options)
    ? readProviders(given, { ...context, report, hasShape })
    : { providers: [readProviderConfig('', { options: given, hasShape }, { ...context, report })] }
  const baseUrl = given.baseUrl === undefined ? undefined : check.readBaseUrl(given.baseUrl, report)
  const secrets = given.session ? check.readSecrets(given.session.secret, report) : []
  check.checkSession(given.session, baseUrl, report)
  check.checkStores(given, report)
  check.checkRoutes(given.routes, report)
  if (issues.length > 0 || !baseUrl) return { issues }
  return { config: buildConfig(options, { baseUrl, secrets, ...providers }) }
}

function pickReadable(
  options: AnyOptions,
  hasShape: (path: string) => boolean,
): Partial<Options & MultiProviderOptions> {
  const entries = Object.entries(options ?? {})
  return Object.fromEntries(entries.filter(([name]) => hasShape(name)))
}

interface Read extends Pick<Config, 'baseUrl' | 'providers'> {
  readonly secrets: readonly string[]
  readonly lookup?: Config['lookup']
}

function buildConfig(options: AnyOptions, read: Read): Config {
  const { session, routes } = options
  const { secrets, lookup, ...known } = read
  const resolve = hasProviders(options) ? options.resolve : undefined
  return deepFreeze({
    ...known,
    hasSeveral: hasProviders(options),
    lookup,
    resolve: resolve && (async (exchange) => readResolved(await resolve(exchange))),
    session: {
      secrets: [...secrets],
      store: session.store,
      storeTimeout: session.storeTimeout ?? 2,
      storeFailure: session.storeFailure ?? 'refuse',
      lock: session.lock,
      maxSessions: session.maxSessions ?? Number.POSITIVE_INFINITY,
      refusedRefresh: session.refusedRefresh ?? 'end',
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
    logout: { store: options.logout?.store },
    routes: { ...check.defaultRoutes, ...dropUndefined(routes ?? {}) },
    onLogin: options.onLogin,
    onError: options.onError,
  })
}

/** A text that is no id of any is one that nobody has signed in at. */
function readResolved(id: unknown): Tenant {
  if (id === undefined || id === null) return undefined
  if (typeof id === 'string' || id === everyTenant) return id
  const message =
    'must return the id of a provider, everyTenant or undefined; what belongs to an id is what ' +
    '"providers" says'
  throw new ConfigurationError([{ path: 'resolve', message }])
}

/** Two apps on one host, or two registrations in one app, must not take each other's cookies. */
function buildCookieName(options: AnyOptions, { baseUrl, providers }: Read): string {
  // With several, one more provider does not sign everybody out
  const [only] = hasProviders(options) ? [] : providers
  const own = JSON.stringify([
    only?.issuer ?? '',
    only?.clientId ?? '',
    baseUrl.origin,
    baseUrl.path,
  ])
  return `oidc-${createHash('sha256').update(own).digest('hex').slice(0, 6)}`
}

/** What users passed in ready-made, which may have a state of its own. */
const theirs = new Set(['clientAuth', 'keySources', 'decryptionSources', 'store', 'lock'])

/** Freezes what was built here: it holds for as long as the Relying Party does. */
function deepFreeze<Value extends object>(value: Value): Value {
  for (const [name, member] of Object.entries(value)) {
    if (typeof member === 'object' && member !== null && !theirs.has(name)) deepFreeze(member)
  }
  return Object.freeze(value)
}
