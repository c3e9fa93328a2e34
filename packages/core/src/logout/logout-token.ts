/**
 * Logout Tokens: what the provider says, without a browser, of a session that has ended there.
 *
 * Anybody may send one. So what costs little is checked first and without the network, and only a token
 * that would be acceptable has a signature verified and keys fetched for it.
 *
 * @see OpenID Connect Back-Channel Logout 1.0, 2.4 and 2.6
 *
 * @module
 */

import { decodeJwt, decodeProtectedHeader, type ProtectedHeaderParameters } from 'jose'
import type { Clock } from '../base/clock.ts'
import { isObject } from '../base/objects.ts'
import { TokenValidationError } from '../errors.ts'
import { decryptJwe, isCompactJwe } from '../jose/decrypt.ts'
import type { DecryptionRing } from '../keys/decryption-ring.ts'
import type { Provider } from '../provider/discovery.ts'

/** What a valid Logout Token says. It has `sub`, `sid` or both. */
export interface LogoutToken {
  readonly iss: string
  readonly sub?: string
  readonly sid?: string
  readonly jti: string
  readonly iat: number
  /**
   * When the token is over: the claim, or a day after `iat` if that is sooner. With the tolerance for
   * clocks on top, a memory of `jti` values needs to reach no further.
   */
  readonly exp: number
}

/** What reading Logout Tokens takes. */
export interface LogoutTokenSettings {
  readonly provider: Pick<Provider, 'issuer' | 'metadata' | 'verify'>
  readonly clientId: string
  /** Audiences besides the client that are trusted. */
  readonly trustedAudiences: readonly string[]
  /** The keys that the provider's tokens are encrypted for, where they are. */
  readonly decryptionRing?: Pick<DecryptionRing, 'usable'> | undefined
  /** Verifies a token under the client secret, where that is how ID Tokens are signed. */
  readonly verifySecretSignature?: ((token: string) => Promise<void>) | undefined
  /** Seconds by which the two clocks may differ. */
  readonly clockTolerance: number
  readonly clock: Clock
}

type Claims = Readonly<Record<string, unknown>>

/** Characters. Tokens in use have about one thousand, encrypted ones two. */
const maxLength = 16_384
/** Characters of a `jti`, which is remembered. */
const maxJtiLength = 512
/** Seconds since `iat` after which a token is too old, whatever its `exp`. */
const maxAge = 86_400
const event = 'http://schemas.openid.net/event/backchannel-logout'
/** RECOMMENDED is the first; many send the second, or none. */
const types = ['logout+jwt', 'jwt']

/**
 * Reads a Logout Token, and refuses every one that is not acceptable. What is not checked is whether it
 * came before: that takes a memory of `jti` values.
 *
 * Its `alg` has to be acceptable for ID Tokens. Where `idToken.alg` is not set, those are all the
 * asymmetric ones that the provider has, and so a token with another of them than this client's ID Tokens
 * have is not told apart; the keys are the provider's either way.
 *
 * @throws TokenValidationError `ERR_LOGOUT_TOKEN`
 * @throws ProviderError when the provider's keys cannot be had
 * @throws KeyError when there is no key that may decrypt
 */
export async function readLogoutToken(
  settings: LogoutTokenSettings,
  token: string,
): Promise<LogoutToken> {
  if (token.length > maxLength) {
    throw refuse('invalid', `the Logout Token is longer than ${maxLength} characters`)
  }
  const jws = await openJws(settings, token)
  const alg = readAlg(jws)
  // To refuse early, and for nothing else: what is returned is read once it is verified
  readClaims(settings, parseClaims(jws))
  await checkSignature(settings, jws, alg)
  return readClaims(settings, parseClaims(jws))
}

/** 2.6 (1): decrypted, where encryption was negotiated for ID Tokens; and then no other is accepted. */
async function openJws({ decryptionRing }: LogoutTokenSettings, token: string): Promise<string> {
  if (!isCompactJwe(token)) {
    if (!decryptionRing) return token
    throw refuse(
      'invalid',
      'the Logout Token is not encrypted, and "idToken.decryptionKey" is set: have the provider ' +
        'encrypt the tokens of this client, or remove the option',
    )
  }
  if (decryptionRing) return await decryptJwe(token, decryptionRing, 'logout_token')
  throw refuse('invalid', 'the Logout Token is encrypted, and "idToken.decryptionKey" is not set')
}

/** Reads the header's `alg`, and refuses a header that no signature could make acceptable. */
function readAlg(jws: string): string {
  const { alg, typ, crit, kid } = readHeader(jws)
  // RFC 8725, 3.11: a token that says it is of another kind is one. So is
  // "secevent+jwt": the type of any event, where this one has its own
  if (typ !== undefined && !isAcceptableType(typ)) {
    throw refuse('invalid', `the "typ" of the Logout Token is ${quote(typ)}, not "logout+jwt"`)
  }
  // RFC 7515, 4.1.11: no extension is understood here; "b64" would change what is signed
  if (crit !== undefined) throw refuse('invalid', 'the Logout Token has "crit" in its header')
  if (kid !== undefined && typeof kid !== 'string') {
    throw refuse('invalid', 'the "kid" of the Logout Token is not a string')
  }
  // 2.6 (3): "none" MUST NOT be used
  if (typeof alg === 'string' && alg !== 'none') return alg
  throw refuse('invalid', 'the Logout Token is not signed')
}

function readHeader(jws: string): ProtectedHeaderParameters {
  try {
    return decodeProtectedHeader(jws)
  } catch {
    throw refuse('invalid', 'the Logout Token is not a JWT')
  }
}

/** RFC 7515, 4.1.9: `application/` may be left out; media types have no case. */
function isAcceptableType(typ: unknown): boolean {
  if (typeof typ !== 'string') return false
  return types.includes(typ.toLowerCase().replace(/^application\//, ''))
}

function parseClaims(jws: string): Claims {
  try {
    return decodeJwt(jws)
  } catch {
    throw refuse('invalid', 'the Logout Token is not a JWT')
  }
}

/** 2.6 (2, 3): the signature and its `alg`, as those of an ID Token. */
async function checkSignature(
  { provider, verifySecretSignature }: LogoutTokenSettings,
  jws: string,
  alg: string,
): Promise<void> {
  if (verifySecretSignature) {
    return await verifySecretSignature(jws).catch((error: unknown) => {
      throw error instanceof TokenValidationError ? badSignature() : error
    })
  }
  const { id_token_signing_alg_values_supported: algs = [] } = await provider.metadata()
  // RFC 8725, 3.1: which algorithms there are is not for the token to say
  if (!algs.includes(alg)) {
    throw refuse(
      'mismatch',
      `the "alg" of the Logout Token is ${quote(alg)}, and of ID Tokens it is ${algs.join(' or ')}`,
    )
  }
  if (!(await provider.verify(jws, algs))) throw badSignature()
}

/** Reads the claims in the order of 2.6. Those that are not known are ignored, as the section says. */
function readClaims(settings: LogoutTokenSettings, claims: Claims): LogoutToken {
  checkOrigin(settings, claims)
  const times = readTimes(settings, claims)
  // 2.6 (5)
  const sub = readText(claims, 'sub')
  const sid = readText(claims, 'sid')
  if (sub === undefined && sid === undefined) {
    throw refuse('missing', 'the Logout Token has neither "sub" nor "sid"', 'sub')
  }
  // 2.6 (6)
  const { events } = claims
  if (!isObject(events) || !Object.hasOwn(events, event) || !isObject(events[event])) {
    const reason = events === undefined ? 'missing' : 'invalid'
    throw refuse(reason, `"events" has no object as its member "${event}"`, 'events')
  }
  // 2.6 (7): so that no ID Token passes for a Logout Token
  if (Object.hasOwn(claims, 'nonce')) {
    throw refuse('invalid', 'the Logout Token has a "nonce", as an ID Token does', 'nonce')
  }
  // 2.4: REQUIRED
  const jti = readText(claims, 'jti')
  if (jti === undefined) throw refuse('missing', '"jti" is missing', 'jti')
  if (jti.length > maxJtiLength) {
    throw refuse('invalid', `"jti" is longer than ${maxJtiLength} characters`, 'jti')
  }
  const iss = settings.provider.issuer
  return { iss, ...(sub && { sub }), ...(sid && { sid }), jti, ...times }
}

/** 2.6 (4): `iss` and `aud`, as those of an ID Token. @see OpenID Connect Core 1.0, 3.1.3.7 (2, 3) */
function checkOrigin(
  { provider, clientId, trustedAudiences }: LogoutTokenSettings,
  { iss, aud }: Claims,
): void {
  const { issuer } = provider
  if (iss !== issuer) {
    const reason = iss === undefined ? 'missing' : 'mismatch'
    throw refuse(reason, `"iss" is not "${issuer}", but ${quote(iss)}`, 'iss')
  }
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!audiences.includes(clientId)) {
    const reason = aud === undefined ? 'missing' : 'mismatch'
    throw refuse(reason, '"aud" does not name this client', 'aud')
  }
  const trusted: readonly unknown[] = [clientId, ...trustedAudiences]
  if (!audiences.every((audience) => trusted.includes(audience))) {
    throw refuse('mismatch', '"aud" names another audience, which is not trusted', 'aud')
  }
}

/** 2.6 (4): `iat` and `exp`. */
function readTimes(
  { clock, clockTolerance }: LogoutTokenSettings,
  claims: Claims,
): Pick<LogoutToken, 'iat' | 'exp'> {
  const now = clock.now()
  const iat = readTime(claims, 'iat')
  if (iat > now + clockTolerance) {
    const ahead = iat - now
    throw refuse('invalid', `"iat" is ${ahead} s in the future: compare the two clocks`, 'iat')
  }
  const exp = readTime(claims, 'exp')
  if (exp <= now - clockTolerance) {
    throw refuse('expired', `the Logout Token expired ${now - exp} s ago`, 'exp')
  }
  if (iat + maxAge <= now - clockTolerance) {
    throw refuse('expired', `the Logout Token is ${now - iat} s old`, 'iat')
  }
  // RFC 7519, 4.1.5
  if (claims['nbf'] !== undefined && readTime(claims, 'nbf') > now + clockTolerance) {
    throw refuse('invalid', 'the Logout Token is not valid yet', 'nbf')
  }
  return { iat, exp: Math.min(exp, iat + maxAge) }
}

function readTime(claims: Claims, claim: string): number {
  const value = claims[claim]
  if (value === undefined) throw refuse('missing', `"${claim}" is missing`, claim)
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw refuse('invalid', `"${claim}" is not a NumericDate`, claim)
}

function readText(claims: Claims, claim: string): string | undefined {
  const value = claims[claim]
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  throw refuse('invalid', `"${claim}" is not a string with something in it`, claim)
}

/** What somebody sent, short and on one line. */
function quote(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 200)) : `a ${typeof value}`
}

function badSignature(): TokenValidationError {
  return refuse('invalid', 'the signature of the Logout Token is not valid')
}

function refuse(
  reason: TokenValidationError['reason'],
  message: string,
  claim?: string,
): TokenValidationError {
  return new TokenValidationError('ERR_LOGOUT_TOKEN', message, {
    tokenKind: 'logout_token',
    claim,
    reason,
  })
}
