/**
 * The rules that an emulator holds an app to: those of client assertions, and those that only a
 * provider can know.
 *
 * @module
 */

import type { Preset } from '@countersign/core'
import { type AssertionRule, assertionRules, isSignedMethod } from '@countersign/core/inspection'

/** The rules that only a provider can know. */
export const providerRules = [
  /** Every request has a `User-Agent`. */
  'user_agent',
  /** Where clients authenticate, a request is a form with each parameter once, and no credentials beside it. */
  'form',
  /** The client is registered. */
  'client',
  /** The client authenticates in the way that it is registered for, and in one way only. */
  'client_auth',
  'client_assertion_type',
  /** The assertion is a JWT at all. */
  'client_assertion',
  /** The JWK Set of the client can be fetched. */
  'jwks_uri',
  /** The signature is a registered key's. */
  'key',
  /** A `jti` is used once. */
  'jti_once',
  /** There is a key to encrypt ID Tokens for. */
  'encryption_key',
  'scope',
  /** Parameters that an Authentication Request must have. */
  'parameter',
  /** `vtr` is a JSON array of vectors of trust. */
  'vtr',
  'response_mode',
  'prompt',
  /** `state` and `nonce` are there, and as long as they must be. */
  'state',
  'nonce',
  /** Nothing is pushed where there are no Pushed Authorization Requests. */
  'pushed',
] as const

/** The name of a rule. `kid` and `certificate` also say that no such key is registered. */
export type EmulatorRule = AssertionRule | (typeof providerRules)[number]

/** A rule that a request breaks, and how: `"aud" must be …, and is …`. */
export interface BrokenEmulatorRule {
  readonly rule: EmulatorRule
  readonly message: string
}

/** A request that an emulator refused. */
export interface Refusal extends BrokenEmulatorRule {
  /** `token`, `authorization` …; the path where a request was refused wherever it went. */
  readonly endpoint: string
  readonly clientId?: string
}

/** Finds the rules that a request can break at the emulator of a provider. */
export function findEmulatedRules(preset: Preset): readonly EmulatorRule[] {
  const { assertion, authorization = {}, clientAuth, registration } = preset
  const isSigned = assertion !== undefined && clientAuth.some(isSignedMethod)
  // What oidc-provider does not know either, it refuses by itself
  const responseModes = ['query', 'fragment', 'form_post']
  const isAccepted = (mode: string) => authorization.responseModes?.includes(mode) ?? true
  const always: readonly AssertionRule[] = ['alg', 'iss', 'sub', 'aud', 'exp', 'iat', 'nbf', 'jti']
  const can: Readonly<Partial<Record<EmulatorRule, boolean>>> = {
    ...Object.fromEntries(
      always.map((rule) => [rule, isSigned && !assertion.ignored?.some((name) => name === rule)]),
    ),
    typ: isSigned && assertion.typ !== undefined,
    kid: isSigned && (assertion.kid !== false || assertion.kidRule !== undefined),
    certificate: isSigned && assertion.certificate !== undefined,
    client_id: isSigned,
    lifetime: isSigned && assertion.maxLifetime !== undefined,
    user_agent: preset.isUserAgentRequired === true,
    form: true,
    client: true,
    client_auth: true,
    client_assertion_type: isSigned && clientAuth.includes('private_key_jwt'),
    client_assertion: isSigned && clientAuth.includes('private_key_jwt'),
    jwks_uri: isSigned && registration.forms.includes('jwks_uri'),
    key: isSigned,
    jti_once: isSigned && assertion.isJtiSingleUse === true,
    encryption_key: preset.isIdTokenEncrypted === true,
    scope: authorization.refusedScopes !== undefined,
    parameter: authorization.required !== undefined,
    vtr: preset.acr?.parameter === 'vtr',
    response_mode: responseModes.some((mode) => !isAccepted(mode)),
    prompt: authorization.prompts !== undefined,
    state: authorization.minLengths?.state !== undefined,
    nonce: authorization.minLengths?.nonce !== undefined,
    pushed: authorization.isPushRefused === true,
  }
  return [...assertionRules, ...providerRules].filter((rule) => can[rule])
}
