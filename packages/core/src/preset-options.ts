/**
 * The option `provider`: what a preset fills in, and what it forbids.
 *
 * It fills in what was left away; what was given wins. Only what the provider's documents rule out is a
 * fault, with the reason and the document that says so. An `audience` that is a text of its own always
 * passes, since customers have domains of their own.
 *
 * @module
 */

import type { ClientAuthentication } from './client/authentication.ts'
import { type AcceptedAlgorithms, chooseRsaAlgorithm } from './keys/algorithms.ts'
import { dropUndefined, type Report } from './option-checks.ts'
import type { AssertionOption, ProviderOptions } from './options.ts'
import type { AssertionDemands, Preset, PresetClientAuth } from './provider/preset.ts'
import { describeUnknownPreset, findPreset } from './provider/presets.ts'

/** Finds the preset that is meant; what cannot be one is reported. */
export function readPreset(
  provider: ProviderOptions['provider'],
  report: Report,
): Preset | undefined {
  if (provider === undefined) return undefined
  // A copy: what is configured is frozen, and theirs is theirs
  if (typeof provider !== 'string') return structuredClone(provider)
  const preset = findPreset(provider)
  if (!preset) report('provider', describeUnknownPreset(provider))
  return preset
}

/** Fills in what the preset says and the options do not. */
export function fillIn(
  options: Partial<ProviderOptions>,
  preset: Preset,
): Partial<ProviderOptions> {
  const { assertion, idTokenAlgs } = preset
  const issuer = options.issuer ?? preset.issuer.default
  const clientAuth = options.clientAuth ?? chooseClientAuth(options, preset)
  return {
    ...options,
    ...(issuer !== undefined && { issuer }),
    ...(clientAuth !== undefined && { clientAuth }),
    assertion: {
      ...(assertion && buildAssertion(assertion)),
      ...dropUndefined(options.assertion ?? {}),
    },
    idToken: { ...(idTokenAlgs && { alg: idTokenAlgs }), ...dropUndefined(options.idToken ?? {}) },
  }
}

function buildAssertion(demands: AssertionDemands): AssertionOption {
  const { audience, typ, kid, lifetime = 60, maxLifetime = 60 } = demands
  return {
    audience: audience[0],
    kid,
    lifetime: Math.min(lifetime, maxLifetime),
    ...(typ && { typ: typ[0] }),
  }
}

/** The algorithms accepted, for whoever reads a key. */
export function readAccepted(preset: Preset | undefined): AcceptedAlgorithms | undefined {
  if (!preset?.assertion) return undefined
  const { algs } = preset.assertion
  return {
    defaultRsaAlg: chooseRsaAlgorithm(algs),
    includes: (alg) => algs.includes(alg) || (alg === 'Ed25519' && algs.includes('EdDSA')),
    describe: (alg) =>
      `signs with ${alg}, and ${preset.title} accepts ${listEither(algs)}${cite(preset)}`,
  }
}

const keyMethods: readonly PresetClientAuth[] = ['private_key_jwt', 'signed_client_secret']

/** With a key, the first way that takes one. A client secret has to be given as one. */
function chooseClientAuth(
  { clientKey }: Partial<ProviderOptions>,
  { clientAuth }: Preset,
): 'private_key_jwt' | 'signed_client_secret' | undefined {
  if (clientKey === undefined || clientAuth.includes('private_key_jwt')) return undefined
  return clientAuth.includes('signed_client_secret') ? 'signed_client_secret' : undefined
}

/** Reports what the provider's documents rule out. `options` are those that were given. */
export function checkPreset(
  options: Partial<ProviderOptions>,
  preset: Preset,
  report: Report,
): void {
  const refuse: Report = (path, message) => report(path, message + cite(preset))
  checkIssuer(options, preset, refuse)
  checkClientAuth(options, preset, refuse)
  checkAuthorization(options, preset, refuse)
  if (preset.assertion && usesAssertion(options)) {
    checkAssertion(options.assertion ?? {}, preset, refuse)
  }
  if (preset.isIdTokenEncrypted && options.idToken?.decryptionKey === undefined) {
    refuse(
      'idToken.decryptionKey',
      `is required: ${preset.title} encrypts ID Tokens for a key of yours`,
    )
  }
}

function usesAssertion({ clientKey, clientAuth }: Partial<ProviderOptions>): boolean {
  return clientKey !== undefined && typeof clientAuth !== 'function'
}

function checkIssuer({ issuer }: Partial<ProviderOptions>, preset: Preset, refuse: Report): void {
  const { refused, default: known, example } = preset.issuer
  if (issuer === undefined) {
    if (known === undefined) refuse('issuer', `is required: at ${preset.title} it is ${example}`)
    return
  }
  if (refused && new RegExp(refused.pattern).test(String(issuer))) refuse('issuer', refused.reason)
}

function checkClientAuth(
  { clientKey, clientAuth }: Partial<ProviderOptions>,
  { clientAuth: accepted, title }: Preset,
  refuse: Report,
): void {
  const takesKeys = accepted.some((method) => keyMethods.includes(method))
  if (!takesKeys && (clientKey !== undefined || typeof clientAuth === 'function')) {
    refuse('clientKey', `is of no use: ${title} takes ${listEither(accepted)}, and no key`)
  }
  const method = readMethod(clientAuth)
  if (method === undefined) {
    if (clientKey === undefined && clientAuth === undefined && !takesKeys) {
      refuse('clientAuth', `is required: ${title} takes ${listEither(accepted)}`)
    }
    return
  }
  if (accepted.some((each) => each === method)) return
  refuse('clientAuth', `is "${method}", and ${title} takes ${listEither(accepted)}`)
}

function readMethod(clientAuth: ClientAuthentication | undefined): string | undefined {
  if (typeof clientAuth === 'object') return clientAuth.method
  return typeof clientAuth === 'string' ? clientAuth : undefined
}

function checkAssertion(
  { audience, lifetime, typ, kid, certificate, issuer }: AssertionOption,
  { assertion, title }: Preset,
  refuse: Report,
): void {
  if (!assertion) return
  const keywords = ['issuer', 'token_endpoint', 'called_endpoint']
  const { audience: audiences, typ: typs, maxLifetime, kidRule } = assertion
  if (audience !== undefined && keywords.includes(audience) && !audiences.includes(audience)) {
    refuse('assertion.audience', `is "${audience}", and ${title} accepts ${listEither(audiences)}`)
  }
  if (lifetime !== undefined && maxLifetime !== undefined && lifetime > maxLifetime) {
    refuse('assertion.lifetime', `is ${lifetime} s, and ${title} accepts at most ${maxLifetime} s`)
  }
  if (typ !== undefined && typs && !typs.includes(typ)) {
    refuse('assertion.typ', `is "${typ}", and ${title} accepts ${listEither(typs)}`)
  }
  if (kid === false && kidRule === 'required') {
    refuse('assertion.kid', `cannot be false: ${title} finds the key by its "kid"`)
  }
  if (kid !== undefined && kid !== false && kidRule === 'refused') {
    refuse('assertion.kid', `must be false: keys that are registered at ${title} have no "kid"`)
  }
  if (assertion.certificate && certificate === undefined) {
    refuse(
      'assertion.certificate',
      `is required: ${title} knows the key by its certificate ("${assertion.certificate}")`,
    )
  }
  if (assertion.issuer && issuer === undefined) {
    const { name, example } = assertion.issuer
    refuse('assertion.issuer', `is required: the ${name}, such as "${example}"`)
  }
}

function checkAuthorization(
  { authorization }: Partial<ProviderOptions>,
  { authorization: demands, acr, title }: Preset,
  refuse: Report,
): void {
  // What a function returns is known at each login only
  if (!demands || typeof authorization === 'function') return
  const given: Readonly<Record<string, unknown>> = { ...demands.defaults, ...authorization }
  for (const name of demands.required ?? []) {
    const isSent =
      given[name] !== undefined || (name === 'vtr' && given['acr_values'] !== undefined)
    if (!isSent) refuse(`authorization.${name}`, `is required by ${title}`)
  }
  const scopes = String(given['scope'] ?? '').split(' ')
  for (const scope of demands.refusedScopes?.filter((name) => scopes.includes(name)) ?? []) {
    refuse('authorization.scope', `must not have "${scope}", which ${title} refuses`)
  }
  const lists = { response_mode: demands.responseModes, prompt: demands.prompts }
  for (const [name, accepted] of Object.entries(lists)) {
    const value = given[name]
    if (value === undefined || !accepted || accepted.includes(String(value))) continue
    refuse(`authorization.${name}`, `is "${value}", and ${title} accepts ${listEither(accepted)}`)
  }
  if (acr?.levels) checkLevels(given['acr_values'], acr.levels, refuse)
}

function checkLevels(value: unknown, levels: readonly string[], refuse: Report): void {
  for (const level of typeof value === 'string' ? value.split(' ') : []) {
    if (level === '' || levels.includes(level)) continue
    refuse('authorization.acr_values', `has "${level}", and there are ${levels.join(', ')}`)
  }
}

/** Where it says so. */
function cite({ sources }: Preset): string {
  return ` (${sources[0]})`
}

function listEither(values: readonly string[]): string {
  const [last, ...others] = values.toReversed()
  return others.length === 0 ? `${last} only` : `${others.toReversed().join(', ')} or ${last}`
}
