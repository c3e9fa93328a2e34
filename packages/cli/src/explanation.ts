/**
 * A client assertion explained, member by member: what it is, and which rule made it so.
 *
 * @see RFC 7523, 3
 *
 * @module
 */

import type { Preset } from '@countersign/core'
import type { InspectedAssertion, Inspection } from '@countersign/core/inspection'

/** One member of the header, or of the claims. */
export interface ExplainedMember {
  readonly name: string
  /** `undefined` where it is left out, which may need an explanation as well. */
  readonly value: unknown
  readonly what: string
  readonly section: string
}

/** A client assertion, explained. */
export interface Explanation {
  readonly header: readonly ExplainedMember[]
  readonly claims: readonly ExplainedMember[]
}

type Explain = (setting: Setting) => string

interface Setting {
  readonly inspection: Inspection
  readonly value: unknown
  readonly claims: InspectedAssertion['claims']
  readonly preset: Preset | undefined
  /** What people call the provider. */
  readonly provider: string
}

const headerMembers: Readonly<Record<string, readonly [section: string, explain: Explain]>> = {
  alg: [
    'RFC 7515, 4.1.1',
    ({ preset, provider }) => {
      const algs = preset?.assertion?.algs
      return algs
        ? `what the key signs with; ${provider} accepts ${algs.join(', ')}`
        : 'what the key signs with (OIDC_CLIENT_ALG, else by the kind of key)'
    },
  ],
  kid: ['RFC 7515, 4.1.4', explainKid],
  typ: [
    'RFC 7515, 4.1.9',
    ({ value, preset, provider }) => {
      if (value !== undefined) return `${provider} wants it to be this`
      return preset ? `left out: ${provider} asks for none` : 'left out, as most providers like it'
    },
  ],
  'x5t#S256': ['RFC 7515, 4.1.8', () => 'the SHA-256 of the certificate that is registered'],
  x5t: ['RFC 7515, 4.1.7', () => 'the SHA-1 of the certificate that is registered'],
  x5c: ['RFC 7515, 4.1.6', () => 'the certificate that is registered'],
}

const claimMembers: Readonly<Record<string, readonly [section: string, explain: Explain]>> = {
  iss: [
    'RFC 7523, 3 (1)',
    ({ preset, provider }) => {
      const issuer = preset?.assertion?.issuer
      return issuer
        ? `who signs: ${provider} wants the ${issuer.name} (OIDC_ASSERTION_ISSUER)`
        : 'who signs: this client (OIDC_CLIENT_ID)'
    },
  ],
  sub: ['RFC 7523, 3 (2)', () => 'whom it is about: this client again'],
  aud: ['RFC 7523, 3 (3)', explainAudience],
  jti: [
    'RFC 7523, 3 (7)',
    ({ preset, provider }) =>
      preset?.assertion?.isJtiSingleUse
        ? `new for every request: ${provider} takes none twice`
        : 'new for every request, so that none can be used twice',
  ],
  iat: [
    'RFC 7523, 3 (6)',
    ({ inspection: { assertion }, provider }) =>
      assertion.backdate
        ? `now, set back by ${assertion.backdate} s: ${provider} takes no moment that is to come`
        : 'now',
  ],
  nbf: ['RFC 7523, 3 (5)', ({ provider }) => `not before: ${provider} asks for it`],
  exp: [
    'RFC 7523, 3 (4)',
    ({ inspection: { assertion }, preset, provider }) => {
      const most = preset?.assertion?.maxLifetime
      const limit = most === undefined ? '' : `; ${provider} allows ${most} s`
      return `${assertion.lifetime} s after iat: enough for one request${limit}`
    },
  ],
}

/** Explains an assertion. Members that were left out are named where that is a choice. */
export function explainAssertion(
  inspection: Inspection,
  { header, claims }: InspectedAssertion,
): Explanation {
  const { preset } = inspection
  const provider = preset?.title ?? 'the provider'
  const explain = (
    members: Readonly<Record<string, unknown>>,
    known: typeof headerMembers,
    always: readonly string[],
  ): readonly ExplainedMember[] => {
    const order = Object.keys(known)
    const names = new Set([...always, ...Object.keys(members)])
    const place = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length)
    return [...names]
      .toSorted((a, b) => place(a) - place(b))
      .map((name) => {
        const value = members[name]
        const [section, describe] = known[name] ?? ['', () => 'set by the option "assertion"']
        return {
          name,
          value,
          what: describe({ inspection, value, claims, preset, provider }),
          section,
        }
      })
  }
  return {
    header: explain(header, headerMembers, ['alg', 'kid', 'typ']),
    claims: explain(claims, claimMembers, []),
  }
}

function explainKid({ inspection, value, preset, provider }: Setting): string {
  const { kid } = inspection.assertion
  if (value === undefined) {
    if (preset?.assertion?.kidRule === 'refused') {
      return `left out: ${provider} has keys without names, and refuses one`
    }
    return kid === 'explicit'
      ? `left out: ${provider} names keys itself, and this key has no such name (?kid= in its URI)`
      : 'left out'
  }
  if (kid === 'thumbprint') {
    const rule = preset?.assertion?.kidRule === 'required' ? `; ${provider} requires it` : ''
    return `the name of the key: its thumbprint (RFC 7638), unless it has another${rule}`
  }
  return 'the name that the provider has for the key'
}

function explainAudience({ inspection, preset, provider }: Setting): string {
  const { audience } = inspection.assertion
  const why = preset ? `${provider} wants` : 'for whom: by default'
  if (audience === 'issuer') return `${why} the issuer, as one text`
  if (audience === 'token_endpoint') return `${why} the token endpoint, as one text`
  if (audience === 'called_endpoint') return `${why} the endpoint that is called, as one text`
  return preset ? `${provider} wants this text` : 'for whom: the option "assertion.audience"'
}
