/**
 * Why a client may have been refused, the likeliest reason first: what the provider said, the rules of
 * its documents, the clocks, the key, the client.
 *
 * @module
 */

import type { RefusalCause } from '../errors.ts'
import {
  type BrokenRule,
  findBrokenRules,
  readAudience,
  type SeenClientAssertion,
} from './assertion-rules.ts'
import { findKnownRefusal } from './known-refusals.ts'
import type { AssertionDemands, KeyForm, Preset } from './preset.ts'

/** A request that was refused, as far as it may be looked at. `now` is the provider's, where it says so. */
export interface RefusedRequest extends SeenClientAssertion {
  /** How the client authenticated: the method's name, as it is registered. */
  readonly method: string
  /** What the provider lists for client assertions, where it does. */
  readonly listedMethods: readonly string[] | undefined
  readonly listedAlgs: readonly string[] | undefined
  readonly preset: Preset | undefined
  /** What the provider says: `error_description` and `error_uri`. */
  readonly untrustedText: string
  /** Seconds by which the provider's clock is ahead of ours, or behind it. */
  readonly skew: number
}

/** Seconds that two clocks may differ by before anybody is told. */
const maxSkew = 5

/** Finds what may be the reason, the likeliest one first. Never empty. */
export function findRefusalCauses(request: RefusedRequest): readonly RefusalCause[] {
  const known = findKnownRefusal(request.untrustedText)
  const seen = [...findRules(request), ...describeSkew(request)]
  // What was said and what is seen are one cause, where they are of one rule
  const said = known && seen.find(({ rule }) => rule === known.rule)
  const first = known && {
    rule: known.rule,
    message: said ? `${known.message}: ${said.message}` : known.message,
    fix: said?.fix ?? known.fix,
    ...readSource(known.source ?? said?.source),
  }
  return [
    ...(first ? [first] : []),
    ...seen.filter((cause) => cause !== said),
    describeCredential(request),
    ...describeGuesses(request).filter(({ rule }) => rule !== known?.rule),
    describeClient(request),
  ]
}

function findRules(request: RefusedRequest): readonly RefusalCause[] {
  const { preset, listedAlgs, listedMethods, header, method } = request
  if (!isAssertion(request)) return []
  if (Object.keys(header).length === 0) {
    return [
      {
        rule: 'client_assertion',
        message: 'what was sent as "client_assertion" is not a JWT',
        fix: 'have the function in "clientAuth" return a compact JWS',
      },
    ]
  }
  if (preset?.assertion) {
    const demands = preset.assertion
    // A secret that both have is no key that is registered
    const ofKeys: readonly string[] = isSymmetric(header) ? ['alg', 'kid', 'certificate'] : []
    const broken = findBrokenRules(demands, request)
    return broken
      .filter(({ rule }) => !ofKeys.includes(rule))
      .map((broken) => ({
        ...broken,
        message: `${preset.title}: ${broken.message}`,
        fix: describeFix(broken, demands, request),
        ...readSource(preset.sources[0]),
      }))
  }
  const { alg } = header
  return [
    ...(listedMethods && !listedMethods.includes(method)
      ? [
          {
            rule: 'client',
            message: `the metadata lists ${list(listedMethods)} as methods, and not ${method}`,
            fix: 'choose a method that it lists, or ask the provider whether it is meant',
          },
        ]
      : []),
    ...(listedAlgs && typeof alg === 'string' && !listedAlgs.includes(alg)
      ? [
          {
            rule: 'alg',
            message: `the metadata lists ${list(listedAlgs)} for client assertions, and "alg" is "${alg}"`,
            fix: `use a key of one of them ("?alg=${listedAlgs[0]}")`,
          },
        ]
      : []),
  ]
}

function describeFix(
  { rule }: BrokenRule,
  demands: AssertionDemands,
  request: RefusedRequest,
): string {
  switch (rule) {
    case 'alg':
      return `name it on the key ("?alg=${demands.algs[0]}"), or make a key of that kind with "npx countersign keygen"`
    case 'typ':
      return `set "assertion.typ" to "${demands.typ?.[0]}"`
    case 'kid':
      if (demands.kidRule === 'refused') return 'set "assertion.kid" to false'
      return demands.kid === 'explicit'
        ? 'name the key as the provider does ("?kid=…")'
        : 'set "assertion.kid" to "thumbprint", or name the key as it is registered ("?kid=…")'
    case 'certificate':
      return 'set "assertion.certificate" (OIDC_CLIENT_CERT) to the certificate that is registered'
    case 'iss':
      return demands.issuer
        ? `set "assertion.issuer" (OIDC_ASSERTION_ISSUER), such as ${demands.issuer.example}`
        : 'set no "iss" of your own, and compare "clientId"'
    case 'sub':
    case 'client_id':
      return 'set none of your own, and compare "clientId"'
    case 'aud': {
      const [audience] = demands.audience
      const url = readAudience(audience, request)
      return `set "assertion.audience" to "${audience}"${url === audience ? '' : `, which is ${url}`}`
    }
    case 'lifetime':
      return `set "assertion.lifetime" to ${demands.lifetime ?? 60}`
    case 'jti':
      return 'have every assertion carry a new one, such as a UUID'
    case 'exp':
    case 'iat':
    case 'nbf':
      return 'compare the two clocks: have both set by NTP'
  }
}

function describeSkew({ skew }: RefusedRequest): readonly RefusalCause[] {
  if (Math.abs(skew) <= maxSkew) return []
  const direction = skew > 0 ? 'ahead of' : 'behind'
  const message = `the provider's clock is ${Math.abs(skew)} s ${direction} this machine's`
  return [{ rule: 'clock', message, fix: "have this machine's clock set by NTP" }]
}

const places: Readonly<Record<KeyForm, string>> = {
  pem: 'its public half as PEM',
  certificate: 'its certificate (the file in OIDC_CLIENT_CERT, where that is set)',
  jwks: 'its public half (the JWK Set or, where one JWK is asked for, that of "keys" with this "kid")',
  jwks_uri: "the JWKS URL of this app (after a change, have the provider's copy renewed)",
  made_there: 'it there, and set "clientKey" to what you are given',
}

/** What prints it in that form: no certificate, and nothing that was made there. */
const commands: Readonly<Partial<Record<KeyForm, string>>> = {
  pem: 'npx countersign jwks --pem',
  jwks: 'npx countersign jwks',
  jwks_uri: 'npx countersign jwks',
}

function describeCredential(request: RefusedRequest): RefusalCause {
  const { method, header, preset } = request
  if (method === 'none') {
    return {
      rule: 'client',
      message: 'nothing was sent that proves who this client is',
      fix: 'set "clientKey", or register the client as a public one',
    }
  }
  if (!isAssertion(request) || isSymmetric(header)) {
    return {
      rule: 'secret',
      message: 'the client secret is another one there, or has expired',
      fix: 'copy it once more, without spaces or a line end',
    }
  }
  const { alg, kid } = header
  const names = `"alg" "${read(alg)}"${kid === undefined ? ' and no "kid"' : ` and "kid" "${read(kid)}"`}`
  const { forms = ['jwks_uri'], where, limit } = preset?.registration ?? {}
  const form = preset && forms[0]
  const fix =
    form === undefined
      ? 'register the JWKS URL of this app, or upload what it has'
      : `register ${places[form]} at ${where}${limit === undefined ? '' : ` (it keeps ${limit})`}`
  const command = commands[form ?? 'jwks_uri']
  // Of what was uploaded there is no other copy
  const isCopied = forms.includes('jwks_uri')
  return {
    rule: 'key',
    message:
      `the key is not registered with ${names}, or under another name or algorithm` +
      (isCopied ? ', or the provider still has an old copy of the JWK Set' : ''),
    fix: command === undefined ? fix : `${fix}; "${command}" shows it`,
    ...readSource(preset?.sources[0]),
  }
}

/** What some want, where no document says what this one wants. */
function describeGuesses(request: RefusedRequest): readonly RefusalCause[] {
  const { preset, header, claims, issuer } = request
  if (preset || !isAssertion(request)) return []
  return [
    ...(header['kid'] === undefined || isSymmetric(header)
      ? []
      : [
          {
            rule: 'kid',
            message: 'some providers look for a "kid" that they have made up themselves',
            fix: 'give the key that name ("?kid=…"), or set "assertion.kid" to false',
          },
        ]),
    ...(claims['aud'] === issuer
      ? [
          {
            rule: 'aud',
            message: '"aud" is the issuer, and some providers want their token endpoint',
            fix: 'try "token_endpoint" as "assertion.audience"',
          },
        ]
      : []),
  ]
}

function describeClient({ clientId, method, preset }: RefusedRequest): RefusalCause {
  return {
    rule: 'client',
    message: `"${read(clientId)}" is not the client_id, or the client is not set to ${method}`,
    fix: `compare "clientId" and the authentication method with the page of this client at ${preset?.title ?? 'the provider'}`,
  }
}

function isAssertion({ method }: RefusedRequest): boolean {
  return ['private_key_jwt', 'client_secret_jwt', 'signed_client_secret'].includes(method)
}

function isSymmetric({ alg }: Readonly<Record<string, unknown>>): boolean {
  return typeof alg === 'string' && alg.startsWith('HS')
}

function readSource(source: string | undefined): { readonly source?: string } {
  return source === undefined ? {} : { source }
}

function read(value: unknown): string {
  return String(value).slice(0, 200)
}

function list(values: readonly string[]): string {
  return values.slice(0, 12).join(', ')
}
