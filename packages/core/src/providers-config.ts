/**
 * The providers of an app that has several: given by id, or looked up.
 *
 * @module
 */

import { fingerprint } from './base/fingerprint.ts'
import { dropUndefined } from './base/objects.ts'
import { ConfigurationError, type ConfigurationIssue } from './errors.ts'
import { defaultRoutes, type Report } from './option-checks.ts'
import { findProviderFaults } from './option-schema.ts'
import type {
  MultiProviderOptions,
  ProviderLookup,
  ProviderOptions,
  RoutesOption,
} from './options.ts'
import { readPreset } from './preset-options.ts'
import { type CheckContext, type ProviderConfig, readProviderConfig } from './provider-config.ts'

/** What was looked up of one provider. */
export interface LookedUp {
  /** The same for as long as the app says the same. */
  readonly version: string
  /** Reads it. @throws ConfigurationError with every fault */
  read(): ProviderConfig
}

/** Looks up a provider that is not known at start. */
export type Lookup = (id: string) => Promise<LookedUp | undefined>

/** What reading several providers takes. */
export interface ProvidersContext extends CheckContext {
  readonly report: Report
  /** Whether an option at the top has the right shape, or is not there. */
  readonly hasShape: (path: string) => boolean
}

/** Whether a text can be the id of a provider: it is a part of paths and names of records. */
export function isProviderId(id: string): boolean {
  // An app may look it up in an object, and would find what every object has: "constructor"
  return /^[\w-]{1,64}$/.test(id) && !(id in Object.prototype)
}

/** Reads the providers of an app with several. */
export function readProviders(
  options: Partial<MultiProviderOptions>,
  context: ProvidersContext,
): { readonly providers: readonly ProviderConfig[]; readonly lookup?: Lookup } {
  const { providers } = options
  const shared = pickShared(options)
  const report = once(context.report)
  // What is wrong with it has been reported
  if (providers === undefined) return { providers: [] }
  if (typeof providers === 'function') {
    readPreset(shared.provider, report)
    // What a preset demands, each tenant may have of its own
    const { provider: _, ...others } = shared
    const layers = { own: placeholder(others), shared: others }
    readOne('', layers, { ...context, report, path: 'providers' })
    checkPaths(options.routes, undefined, report)
    return { providers: [], lookup: createLookup(providers, lend(shared), context) }
  }
  const entries = Object.entries(providers)
  if (entries.length === 0) report('providers', 'must hold at least one provider')
  const read = entries.map(([id, own]) => {
    const path = `providers.${id}`
    if (!isProviderId(id)) {
      report(
        path,
        'must have a name of letters, digits, "_" and "-", at most 64, and not one that every object has',
      )
    }
    return readOne(id, { own, shared }, { ...context, report, path })
  })
  checkDistinct(read, report)
  checkPaths(options.routes, Object.keys(providers), report)
  return { providers: read }
}

/** What is shared by several is at fault once. */
function once(report: Report): Report {
  const seen = new Set<string>()
  return (path, message) => {
    const fault = JSON.stringify([path, message])
    if (!seen.has(fault)) report(path, message)
    seen.add(fault)
  }
}

/** RFC 9700, 4.4.2: a response is told apart by the issuer as well as by the path it comes to. */
function checkDistinct(providers: readonly ProviderConfig[], report: Report): void {
  const seen = new Map<string, string>()
  for (const { id, issuer, clientId } of providers) {
    if (issuer === '' || clientId === '') continue
    const registration = JSON.stringify([issuer, clientId])
    const other = seen.get(registration)
    if (other !== undefined) {
      const message = `has the issuer and the clientId of "${other}": one of them is enough`
      report(`providers.${id}`, message)
    }
    seen.set(registration, id)
  }
}

/** Routes below which each provider has one of its own. */
export const routesOfProviders: readonly (keyof RoutesOption)[] = [
  'login',
  'callback',
  'jwks',
  'backchannelLogout',
  'frontchannelLogout',
]

/** What is below such a route is a provider's, so no route may be there that a provider's id leads to. */
function checkPaths(
  routes: RoutesOption | undefined,
  ids: readonly string[] | undefined,
  report: Report,
): void {
  const paths: Record<string, string | false> = { ...defaultRoutes, ...dropUndefined(routes ?? {}) }
  for (const name of routesOfProviders) {
    for (const [other, path] of Object.entries(paths)) {
      const parent = `${paths[name]}/`
      if (paths[name] === false || path === false || !path.startsWith(parent)) continue
      const id = path.slice(parent.length)
      if (ids?.includes(id) ?? isProviderId(id)) {
        const message = `"${path}" is what "routes.${name}" is for a provider "${id}"`
        report(`routes.${other}`, message)
      }
    }
  }
}

interface Layers {
  readonly own: Partial<ProviderOptions>
  readonly shared: Partial<ProviderOptions>
}

function readOne(
  id: string,
  { own, shared }: Layers,
  { path, ...context }: ProvidersContext & { readonly path: string },
): ProviderConfig {
  const merged = merge(shared, own)
  const faults = findProviderFaults(merged)
  const isShared = (place: string) => {
    const [name = ''] = place.split(/[.[]/, 1)
    return name in shared && (own as Readonly<Record<string, unknown>>)?.[name] === undefined
  }
  const report: Report = (place, message) => {
    const within = place === '' ? path : `${path}.${place}`
    context.report(isShared(place) ? place : within, message)
  }
  for (const fault of faults) report(fault.path, fault.message)
  const hasShape = (place: string) =>
    context.hasShape(place) &&
    !faults.some(
      ({ path: fault }) => fault === '' || fault === place || fault.startsWith(`${place}.`),
    )
  const readable = Object.entries(merged).filter(([name]) => hasShape(name))
  const options: Partial<ProviderOptions> = Object.fromEntries(readable)
  return readProviderConfig(id, { options, hasShape }, { ...context, report })
}

/** What each tenant has of its own, where only what they share is to be checked. */
function placeholder({ clientKey, clientAuth }: Partial<ProviderOptions>): ProviderOptions {
  const identity = { issuer: 'https://provider.invalid', clientId: 'client' }
  if (clientKey !== undefined || clientAuth !== undefined) return identity
  return { ...identity, clientAuth: { method: 'client_secret_basic', secret: 'secret' } }
}

function createLookup(
  find: ProviderLookup,
  shared: Partial<ProviderOptions>,
  { clock, emit }: CheckContext,
): Lookup {
  return async (id) => {
    const own = await find(id)
    if (own === undefined || own === null) return undefined
    return {
      version: fingerprint(own),
      read: () => readLookedUp(id, { own, shared }, { clock, emit }),
    }
  }
}

/** A provider that was looked up has faults of its own, and they are found when it is. */
function readLookedUp(id: string, layers: Layers, context: CheckContext): ProviderConfig {
  const issues: ConfigurationIssue[] = []
  const report: Report = (path, message) => {
    issues.push({ path, message })
  }
  const path = `providers("${id}")`
  const config = readOne(id, layers, { ...context, report, path, hasShape: () => true })
  if (issues.length > 0) throw new ConfigurationError(issues)
  return config
}

/** What is said of one provider comes before what is said of all. */
function merge(
  { clientKey, clientAuth, ...shared }: Partial<ProviderOptions>,
  own: Partial<ProviderOptions>,
): Partial<ProviderOptions> {
  // What is no object is reported as what it is
  if (typeof own !== 'object' || own === null) return own
  // Who authenticates in a way of its own does not do so with the others' key
  const hasOwn = own.clientKey !== undefined || own.clientAuth !== undefined
  const authentication = hasOwn ? {} : dropUndefined({ clientKey, clientAuth })
  return { ...shared, ...authentication, ...dropUndefined(own) }
}

const sharedNames = [
  'provider',
  'clientKey',
  'clientAuth',
  'assertion',
  'authorization',
  'userInfo',
  'idToken',
  'http',
] as const

function pickShared(options: Partial<MultiProviderOptions>): Partial<ProviderOptions> {
  const entries = sharedNames.filter((name) => options[name] !== undefined)
  return Object.fromEntries(entries.map((name) => [name, options[name]]))
}

/** A key source of the app's own that tenants share is not closed when one of them is forgotten. */
function lend({ clientKey, ...shared }: Partial<ProviderOptions>): Partial<ProviderOptions> {
  if (clientKey === undefined) return shared
  return { ...shared, clientKey: lendKey(clientKey) as NonNullable<ProviderOptions['clientKey']> }
}

function lendKey(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lendKey)
  if (typeof value !== 'object' || value === null) return value
  if ('key' in value) return { ...value, key: lendKey(value.key) }
  if (!('keys' in value) || typeof value.keys !== 'function') return value
  return Object.create(value, { close: { value: undefined } })
}
