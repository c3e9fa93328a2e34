/**
 * Whether a client assertion is what a provider's documents demand, rule by rule.
 *
 * The same rules decide for the emulators that apps are developed against, and explain to an app whose
 * assertion was refused what is likely to be the reason.
 *
 * @see OpenID Connect Core 1.0, 9
 * @see RFC 7523, 3
 *
 * @module
 */

import { isSameAlgorithm } from '../keys/algorithms.ts'
import type { AssertionDemands, Audience } from './preset.ts'

/** The rules, in the order in which they are looked at. */
export const assertionRules = [
  'alg',
  'typ',
  'kid',
  'certificate',
  'iss',
  'sub',
  'client_id',
  'aud',
  'exp',
  'lifetime',
  'iat',
  'nbf',
  'jti',
] as const

/** The name of a rule. */
export type AssertionRule = (typeof assertionRules)[number]

/** A client assertion and the request that it came with. */
export interface SeenClientAssertion {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  readonly clientId: string
  /** The form's `client_id`. */
  readonly formClientId: string | undefined
  readonly issuer: string
  readonly tokenEndpoint: string
  /** The URL that was called. */
  readonly endpoint: string
  /** What the provider's clock says. NumericDate. */
  readonly now: number
}

/** A rule that is broken, and how, as a sentence without a subject: `"aud" must be …, and is …`. */
export interface BrokenRule {
  readonly rule: AssertionRule
  readonly message: string
}

/**
 * Seconds by which the two clocks may differ, where no document says how many.
 *
 * @see FAPI 2.0 Security Profile, 5.3.2.1
 */
const defaultTolerance = 10

type Check = (demands: AssertionDemands, seen: SeenClientAssertion) => string | undefined

const checks: Readonly<Record<AssertionRule, Check>> = {
  alg: ({ algs }, { header: { alg } }) =>
    algs.some((accepted) => isSameAlgorithm(accepted, alg))
      ? undefined
      : `"alg" must be ${either(algs)}, and is ${show(alg)}`,

  typ({ typ: accepted, isTypOptional }, { header: { typ } }) {
    if (!accepted || (isTypOptional && typ === undefined)) return undefined
    if (typeof typ === 'string' && accepted.includes(typ)) return undefined
    return `"typ" must be ${either(accepted)}, and is ${show(typ)}`
  },

  kid({ kidRule }, { header: { kid } }) {
    if (kidRule === 'required' && !isText(kid)) return '"kid" is required'
    if (kidRule !== 'refused' || kid === undefined) return undefined
    return `"kid" must not be there: registered keys have no name, and it is ${show(kid)}`
  },

  certificate: ({ certificate }, { header }) =>
    !certificate || isText(readCertificate(header[certificate]))
      ? undefined
      : `"${certificate}" is required: it names the certificate that is registered`,

  iss({ issuer }, { claims: { iss }, clientId }) {
    if (issuer) {
      const isOther = isText(iss) && iss !== clientId
      return isOther ? undefined : `"iss" must be the ${issuer.name}, and is ${show(iss)}`
    }
    return iss === clientId ? undefined : `"iss" must be the client_id, and is ${show(iss)}`
  },

  sub: (_demands, { claims: { sub }, clientId }) =>
    sub === clientId ? undefined : `"sub" must be the client_id, and is ${show(sub)}`,

  client_id({ isClientIdRequired }, { formClientId, clientId }) {
    if (formClientId === undefined) {
      return isClientIdRequired ? 'the form must have "client_id" as well' : undefined
    }
    return formClientId === clientId ? undefined : 'the form has another "client_id"'
  },

  aud({ audience }, seen) {
    const { aud } = seen.claims
    // A set: the endpoint that is called may be the token endpoint
    const accepted = [...new Set(audience.map((each) => readAudience(each, seen)))]
    // Never a list: RFC 7523bis, 4; some providers refuse even a list of one
    if (typeof aud === 'string' && accepted.includes(aud)) return undefined
    const kind = Array.isArray(aud) ? 'one string, ' : ''
    return `"aud" must be ${kind}${either(accepted)}, and is ${show(aud)}`
  },

  exp({ clockTolerance = defaultTolerance }, { claims: { exp, iat }, now }) {
    if (exp === undefined) return '"exp" is required'
    if (typeof exp !== 'number') return '"exp" must be a number'
    if (exp <= now - clockTolerance) return `"exp" passed ${Math.ceil(now - exp)} s ago`
    return typeof iat === 'number' && iat >= exp ? '"exp" must be later than "iat"' : undefined
  },

  lifetime({ maxLifetime, clockTolerance = defaultTolerance }, { claims: { exp, iat }, now }) {
    if (maxLifetime === undefined || typeof exp !== 'number') return undefined
    const ahead = exp - now
    const span = typeof iat === 'number' ? exp - iat : 0
    if (ahead <= maxLifetime + clockTolerance && span <= maxLifetime + clockTolerance) {
      return undefined
    }
    const longest = Math.floor(Math.max(ahead, span))
    return `"exp" must be at most ${maxLifetime} s ahead, and is ${longest} s`
  },

  iat: ({ required = [], backdate, clockTolerance }, { claims: { iat }, now }) =>
    checkMoment('iat', iat, {
      isRequired: required.includes('iat'),
      now,
      // What is set back is so because nothing is accepted that is still to come
      tolerance: backdate === undefined ? clockTolerance : 0,
    }),

  nbf: ({ required = [], clockTolerance }, { claims: { nbf }, now }) =>
    checkMoment('nbf', nbf, {
      isRequired: required.includes('nbf'),
      now,
      tolerance: clockTolerance,
    }),

  jti({ required = [] }, { claims: { jti } }) {
    if (jti === undefined) return required.includes('jti') ? '"jti" is required' : undefined
    return typeof jti === 'string' && jti !== '' && jti.length <= 255
      ? undefined
      : '"jti" must be a text of at most 255 characters'
  },
}

/** Finds every rule that an assertion breaks. What only the provider can know is not among them. */
export function findBrokenRules(
  demands: AssertionDemands,
  seen: SeenClientAssertion,
): readonly BrokenRule[] {
  // As if it were not there
  const ignored = Object.fromEntries(demands.ignored?.map((name) => [name, undefined]) ?? [])
  const read = { ...seen, claims: { ...seen.claims, ...ignored } }
  return assertionRules.flatMap((rule) => {
    const message = checks[rule](demands, read)
    return message === undefined ? [] : [{ rule, message }]
  })
}

/** The one audience: what a provider is known to want, as a URL. */
export function readAudience(
  audience: Audience,
  server: {
    readonly issuer: string
    readonly tokenEndpoint: string
    /** The URL that is called. */
    readonly endpoint: string
  },
): string {
  if (audience === 'issuer') return server.issuer
  if (audience === 'token_endpoint') return server.tokenEndpoint
  if (audience === 'called_endpoint') return server.endpoint
  return audience
}

function checkMoment(
  name: string,
  moment: unknown,
  {
    isRequired,
    now,
    tolerance = defaultTolerance,
  }: { isRequired: boolean; now: number; tolerance: number | undefined },
): string | undefined {
  if (moment === undefined) return isRequired ? `"${name}" is required` : undefined
  if (typeof moment !== 'number') return `"${name}" must be a number`
  const ahead = moment - now
  if (ahead <= tolerance) return undefined
  return `"${name}" is ${Math.ceil(ahead)} s in the future: compare the two clocks`
}

function either(values: readonly string[]): string {
  return values.map((value) => JSON.stringify(value)).join(' or ')
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

/** RFC 7515, 4.1.6: `x5c` is a chain, and the first certificate is that of the key. */
function readCertificate(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : value
}

/** How much of a value is shown. */
const shown = 200

/** What an assertion has, as it may be shown: no secret, but it comes from anybody, and ends in logs. */
function show(value: unknown): string {
  if (value === undefined) return 'not there'
  const text = write(value)
  const start = text.slice(0, shown).replace(/[^\x20-\x7e]/g, buildEscape)
  return text.length > shown ? `${start}…` : start
}

function write(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    // What JSON.parse reads may be too deep for JSON.stringify
    return 'nested too deeply'
  }
}

/** A terminal obeys some characters that JSON leaves as they are. */
function buildEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
