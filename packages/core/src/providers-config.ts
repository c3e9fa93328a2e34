/**
 * The providers of an app that has several: given by id, or looked up.
 *
 * @module
 */

import { ConfigurationError, type ConfigurationIssue } from './errors.ts'
import type { Report } from './option-checks.ts'
import { dropUndefined } from './option-checks.ts'
import { findProviderFaults } from './option-schema.ts'
import type { MultiProviderOptions, ProviderOptions } from './options.ts'
import { type CheckContext, type ProviderConfig, readProviderConfig } from './provider-config.ts'

/** Whether a text can be the id of a provider: it is a part of paths and names of records. */
export function isProviderId(id: string): boolean {
  return /^[\w-]{1,64}$/.test(id)
}

/** Reads the providers of an app with several. */
export function readProviders(
  options: Partial<MultiProviderOptions>,
  context: CheckContext & { readonly report: Report },
): {
  readonly providers: readonly ProviderConfig[]
  readonly lookup?: (id: string) => Promise<ProviderConfig | undefined>
} {
  const { providers = {} } = options
  const shared = pickShared(options)
  if (typeof providers === 'function') {
    return {
      providers: [],
      lookup: async (id) => {
        const found = await providers(id)
        return found && readLookedUp(id, merge(shared, found), context)
      },
    }
  }
  const { report } = context
  const entries = Object.entries(providers)
  if (entries.length === 0) report('providers', 'must hold at least one provider')
  const read = entries.map(([id, own]) => {
    const path = `providers.${id}`
    if (!isProviderId(id))
      report(path, 'may have letters, digits, "_" and "-" in its name, at most 64')
    const within = (name: string, message: string) => report(`${path}.${name}`, message)
    return readOne(id, merge(shared, own), { ...context, report: within })
  })
  checkDistinct(read, report)
  return { providers: read }
}

/** RFC 9700, 4.4.2: a response is told apart by the issuer as well as by the path it comes to. */
function checkDistinct(providers: readonly ProviderConfig[], report: Report): void {
  const seen = new Map<string, string>()
  for (const { id, issuer, clientId } of providers) {
    const registration = JSON.stringify([issuer, clientId])
    const other = seen.get(registration)
    if (other !== undefined) {
      report(
        `providers.${id}`,
        `has the issuer and the clientId of "${other}": one of them is enough`,
      )
    }
    seen.set(registration, id)
  }
}

function readOne(
  id: string,
  options: Partial<ProviderOptions>,
  context: CheckContext & { readonly report: Report },
): ProviderConfig {
  const faults = findProviderFaults(options)
  for (const { path, message } of faults) context.report(path, message)
  const hasShape = (path: string) =>
    !faults.some((fault) => fault.path === path || fault.path.startsWith(`${path}.`))
  const readable = Object.entries(options).filter(([name]) => hasShape(name))
  return readProviderConfig(id, { options: Object.fromEntries(readable), hasShape }, context)
}

/** A provider that was looked up has faults of its own, and they are found when it is. */
function readLookedUp(
  id: string,
  options: Partial<ProviderOptions>,
  context: CheckContext,
): ProviderConfig {
  const issues: ConfigurationIssue[] = []
  const report: Report = (path, message) => {
    issues.push({ path: `providers("${id}").${path}`, message })
  }
  const config = readOne(id, options, { ...context, report })
  if (issues.length > 0) throw new ConfigurationError(issues)
  return config
}

/** What is said of one provider comes before what is said of all. */
function merge(
  { clientKey, clientAuth, ...shared }: Partial<ProviderOptions>,
  own: Partial<ProviderOptions>,
): Partial<ProviderOptions> {
  // Who authenticates in a way of its own does not do so with the others' key
  const hasOwn = own.clientKey !== undefined || own.clientAuth !== undefined
  const authentication = hasOwn ? {} : dropUndefined({ clientKey, clientAuth })
  return { ...shared, ...authentication, ...dropUndefined(own) }
}

const sharedNames = [
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
