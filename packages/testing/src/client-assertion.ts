/**
 * What the local provider demands of a client assertion, beyond what every provider demands.
 *
 * Providers differ in what they let pass. This one lets nothing pass that a strict one would refuse,
 * and it says which rule was broken. The signature itself is verified by oidc-provider.
 *
 * @module
 */

import {
  decodeJwt,
  decodeProtectedHeader,
  type JWK,
  type JWTPayload,
  type ProtectedHeaderParameters,
} from 'jose'
import type { EmulatorRule } from './emulator-rules.ts'
import type { ProviderClients } from './provider-clients.ts'
import { createUsedIds, type UsedIds } from './used-ids.ts'

/** The endpoints at which a client authenticates. */
export type ClientEndpoint =
  | 'token'
  | 'pushed_authorization_request'
  | 'revocation'
  | 'introspection'

/** What a client assertion says. */
export interface DecodedAssertion {
  readonly header: ProtectedHeaderParameters
  readonly payload: JWTPayload
}

/** A client assertion that reached the provider, decoded. The signature is left out. */
export interface SeenAssertion extends DecodedAssertion {
  readonly endpoint: ClientEndpoint
  /** When it came. NumericDate, with a fraction. */
  readonly receivedAt: number
  /** How it broke a rule, where it broke one and the provider is strict. */
  readonly refusal?: string
  /** The rule it broke, at the emulator of a provider. */
  readonly rule?: EmulatorRule
}

/** What a check found: nothing in a request without a client assertion. */
export interface CheckedAssertion {
  readonly seen?: SeenAssertion
  readonly refusal?: string
}

/** Decides on one client assertion. */
export type AssertionCheck = (
  form: URLSearchParams,
  endpoint: ClientEndpoint,
) => Promise<CheckedAssertion>

/** The longest lifetime, in seconds, that a strict provider accepts. @see FAPI 2.0 SP, 5.3.2.1 */
const longestLifetime = 60
/** Seconds by which the clocks of client and provider may differ. */
const clockTolerance = 10

/** The type of a client assertion that is a JWT. @see RFC 7523, 2.2 */
export const jwtBearer: string = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/**
 * Creates the check.
 *
 * @see OpenID Connect Core 1.0, 9; draft-ietf-oauth-rfc7523bis; FAPI 2.0 SP, 5.3.2.1
 */
export function createAssertionCheck(options: {
  readonly issuer: string
  readonly clients: ProviderClients
  readonly strict: boolean
}): AssertionCheck {
  const usedIds = createUsedIds()

  return async function checkAssertion(form, endpoint) {
    const assertion = form.get('client_assertion')
    if (assertion === null) return {}
    const decoded = decodeAssertion(assertion)
    if (decoded === undefined) return { refusal: 'client assertion: it is not a JWT' }
    const receivedAt = Date.now() / 1000
    const seen = { endpoint, ...decoded, receivedAt }
    // Keys behind a `jwksUri` have to be fetched, strict or not.
    const { keys, fault } = await keysFor(decoded, options.clients)
    if (!options.strict) return { seen }
    const { header, payload } = decoded
    const broken =
      brokenRule(form, payload, options.issuer, receivedAt) ??
      fault ??
      brokenKeyRule(header, keys) ??
      repeatedId(payload, usedIds)
    if (broken === undefined) return { seen }
    const refusal = `client assertion: ${broken}`
    return { seen: { ...seen, refusal }, refusal }
  }
}

function brokenRule(
  form: URLSearchParams,
  { iss, sub, aud, exp, iat, nbf, jti }: JWTPayload,
  issuer: string,
  now: number,
): string | undefined {
  if (form.get('client_assertion_type') !== jwtBearer) {
    return `client_assertion_type must be ${jwtBearer}`
  }
  if (typeof iss !== 'string') return 'iss is missing; it must be the client_id'
  if (iss !== sub) return 'sub must equal iss, the client_id'
  const client_id = form.get('client_id')
  if (client_id !== null && client_id !== iss) return 'iss must equal the client_id parameter'
  if (aud === undefined) return `aud is missing; it must be the issuer ${issuer}`
  if (Array.isArray(aud)) return `aud must be one string, the issuer ${issuer}, not an array`
  if (aud !== issuer) return `aud must be the issuer ${issuer}, not ${quote(aud)}`
  if (typeof exp !== 'number') return 'exp is missing'
  if (typeof iat !== 'number') return 'iat is missing'
  if (exp <= now - clockTolerance) return 'exp has passed'
  if (exp > now + longestLifetime + clockTolerance) {
    return `exp must be at most ${longestLifetime} seconds ahead`
  }
  if (iat > now + clockTolerance) return 'iat is in the future'
  if (nbf !== undefined && nbf > now + clockTolerance) return 'nbf is in the future'
  if (typeof jti !== 'string' || jti === '') return 'jti is missing'
  return undefined
}

function brokenKeyRule(
  header: ProtectedHeaderParameters,
  keys: readonly JWK[] | undefined,
): string | undefined {
  const { kid, alg, crit } = header
  if (keys === undefined) return 'iss names a client that is not registered'
  if (crit !== undefined) return 'the header has crit, and no extension is understood'
  // A client secret has no kid; that HS* is this client's way at all is oidc-provider's to check
  if (isMac({ header })) return undefined
  if (kid === undefined) return 'the header has no kid'
  const key = keys.find((candidate) => candidate.kid === kid)
  if (key === undefined) {
    const known = keys.map((candidate) => candidate.kid ?? 'a key without kid').join(', ')
    return `kid ${quote(kid)} names no key of the client; registered: ${known || 'none'}`
  }
  if (key.alg === undefined || key.alg === alg) return undefined
  return `alg ${quote(alg ?? '')} is not the ${key.alg} that this key is registered for`
}

/** An assertion is used once, and a retry needs a new one. */
function repeatedId({ iss, jti, exp = 0 }: JWTPayload, usedIds: UsedIds): string | undefined {
  if (usedIds.add(`${iss} ${jti}`, exp)) return undefined
  return 'jti was used before; every request needs a new assertion'
}

async function keysFor(
  { header, payload }: DecodedAssertion,
  clients: ProviderClients,
): Promise<{ keys?: readonly JWK[] | undefined; fault?: string }> {
  if (typeof payload.iss !== 'string') return {}
  try {
    return { keys: await clients.keysFor(payload.iss, header.kid) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { keys: [], fault: `the JWK Set of the client cannot be fetched: ${quote(reason)}` }
  }
}

/** How deep a claim may be. Far deeper ones cannot be written down again. */
const deepest = 32

/** Decodes what claims to be a JWT. */
export function decodeAssertion(assertion: string): DecodedAssertion | undefined {
  try {
    const decoded = { header: decodeProtectedHeader(assertion), payload: decodeJwt(assertion) }
    return isDeeper(decoded, deepest) ? undefined : decoded
  } catch {
    return undefined
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1))
}

/** Whether an assertion is signed with a secret. What `alg` is, nobody has looked at. */
export function isMac({ header: { alg } }: Pick<DecodedAssertion, 'header'>): boolean {
  return typeof alg === 'string' && alg.startsWith('HS')
}

/** Keeps a value within the characters of an `error_description`. @see RFC 6749, 5.2 */
function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return `'${text.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?').slice(0, 200)}'`
}
