/**
 * The option `provider`: what a preset fills in, and what it forbids.
 *
 * It fills in what was left away; what was given wins. Only what the provider's documents rule out is a
 * fault, with the reason and the document that says so. An `audience` that is a text of its own always
 * passes, since customers have domains of their own.
 *
 * @module
 */

import { dropUndefined } from './base/objects.ts'
import type { ClientAuthentication } from './client/authentication.ts'
import { isSignedMethod } from './client/set-assertion.ts'
import type { AcceptedKeys } from './keys/accepted-keys.ts'
import { chooseRsaAlgorithm, isSameAlgorithm } from './keys/algorithms.ts'
import type { Report } from './option-checks.ts'
import type { AssertionOption, ProviderOptions } from './options.ts'
import { findRefusedParameters, listEither } from './provider/authorization-rules.ts'
import type { AssertionDemands, Preset } from './provider/preset.ts'
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
  const { audience, typ, kid, lifetime = 60, maxLifetime = Number.POSITIVE_INFINITY } = demands
  return {
    audience: audience[0],
    kid,
    lifetime: Math.min(lifetime, maxLifetime),
    ...(typ && { typ: typ[0] }),
  }
}

/** The keys accepted, for whoever reads one. */
export function readAccepted(
  preset: Preset | undefined,
  { kid }: AssertionOption = {},
): AcceptedKeys | undefined {
  const { assertion, title } = preset ?? {}
  if (!preset || !assertion) return undefined
  const { algs } = assertion
  const needsName =
    assertion.kid === 'explicit' &&
    assertion.kidRule === 'required' &&
    (kid === undefined || kid === 'explicit')
  return {
    defaultRsaAlg: chooseRsaAlgorithm(algs),
    findFault({ alg, hasExplicitKid }) {
      if (!algs.some((accepted) => isSameAlgorithm(accepted, alg))) {
        return `signs with ${alg}, and ${title} accepts ${listEither(algs)}${cite(preset)}`
      }
      if (!needsName || hasExplicitKid) return undefined
      return `has no name, and ${title} gives each key one: add it ("?kid=…")${cite(preset)}`
    },
  }
}

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
  { report, hasShape }: { readonly report: Report; hasShape(path: string): boolean },
): void {
  const tell: Report = (path, message) => {
    // What has another shape than it should is not there now, and that has been said
    const [root = ''] = path.split('.', 1)
    if (hasShape(root)) report(path, message)
  }
  const refuse: Report = (path, message) => tell(path, message + cite(preset))
  checkIssuer(options, preset, { tell, refuse })
  checkClientAuth(options, preset, refuse)
  checkAuthorization(options, preset, refuse)
  const { clientKey, clientAuth } = options
  const isSecret = readMethod(clientAuth) === 'client_secret_jwt'
  if (isSecret || (clientKey !== undefined && typeof clientAuth !== 'function')) {
    checkAssertion(options.assertion ?? {}, preset, refuse)
  }
  if (clientKey !== undefined) checkIdentity(options.assertion ?? {}, preset, refuse)
  if (preset.isIdTokenEncrypted && options.idToken?.decryptionKey === undefined) {
    refuse(
      'idToken.decryptionKey',
      `is required: ${preset.title} encrypts ID Tokens for a key of yours`,
    )
  }
}

function checkIssuer(
  { issuer }: Partial<ProviderOptions>,
  preset: Preset,
  { tell, refuse }: { readonly tell: Report; readonly refuse: Report },
): void {
  const { refused, default: known, example } = preset.issuer
  if (issuer === undefined) {
    // No source: how it looks is an example, which its documents need not have
    if (known === undefined) tell('issuer', `is required: at ${preset.title}, such as ${example}`)
    return
  }
  if (refused && new RegExp(refused.pattern, 'i').test(String(issuer)))
    refuse('issuer', refused.reason)
}

function checkClientAuth(
  { clientKey, clientAuth }: Partial<ProviderOptions>,
  { clientAuth: accepted, title }: Preset,
  refuse: Report,
): void {
  const takesKeys = accepted.some(isSignedMethod)
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
  { audience, lifetime, typ, kid, claims }: AssertionOption,
  { assertion, title }: Preset,
  refuse: Report,
): void {
  if (!assertion) return
  const keywords = ['issuer', 'token_endpoint', 'called_endpoint']
  const { audience: audiences, typ: typs, isTypOptional, maxLifetime, kidRule } = assertion
  if (audience !== undefined && keywords.includes(audience) && !audiences.includes(audience)) {
    refuse('assertion.audience', `is "${audience}", and ${title} accepts ${listEither(audiences)}`)
  }
  if (lifetime !== undefined && maxLifetime !== undefined && lifetime > maxLifetime) {
    refuse('assertion.lifetime', `is ${lifetime} s, and ${title} accepts at most ${maxLifetime} s`)
  }
  if (typeof typ === 'string' && typs && !typs.includes(typ)) {
    refuse('assertion.typ', `is "${typ}", and ${title} accepts ${listEither(typs)}`)
  }
  if (typ === false && typs && !isTypOptional) {
    refuse('assertion.typ', `cannot be false: ${title} accepts ${listEither(typs)}`)
  }
  if (kid === false && kidRule === 'required') {
    refuse('assertion.kid', `cannot be false: ${title} finds the key by its "kid"`)
  }
  if (kid !== undefined && kid !== false && kidRule === 'refused') {
    refuse('assertion.kid', `must be false: keys that are registered at ${title} have no "kid"`)
  }
  if (claims && 'nbf' in claims && assertion.required?.includes('nbf')) {
    refuse('assertion.claims.nbf', 'is set for every assertion and cannot be given')
  }
}

/** What names the client and its key, besides the client identifier. */
function checkIdentity(
  { certificate, issuer, header }: AssertionOption,
  { assertion, title }: Preset,
  refuse: Report,
): void {
  if (assertion?.certificate && certificate === undefined) {
    refuse(
      'assertion.certificate',
      `is required: ${title} knows the key by its certificate ("${assertion.certificate}")`,
    )
  }
  if (assertion?.certificate && header && assertion.certificate in header) {
    refuse(`assertion.header.${assertion.certificate}`, 'comes from "assertion.certificate"')
  }
  if (assertion?.issuer && issuer === undefined) {
    const { name, example } = assertion.issuer
    refuse('assertion.issuer', `is required: the ${name}, such as "${example}"`)
  }
}

function checkAuthorization(
  { authorization }: Partial<ProviderOptions>,
  preset: Preset,
  refuse: Report,
): void {
  // What a function returns is known at each login only
  if (typeof authorization === 'function') return
  const given = { ...preset.authorization?.defaults, ...dropUndefined(authorization ?? {}) }
  for (const { parameter, message } of findRefusedParameters(preset, given)) {
    refuse(`authorization.${parameter}`, message)
  }
}

/** Where it says so. */
function cite({ sources }: Preset): string {
  return ` (${sources[0]})`
}
