/**
 * What a client assertion looks like, and whether it is what the provider's documents demand.
 *
 * @see OpenID Connect Core 1.0, 9
 *
 * @module
 */

import { KeyError } from '@countersign/core'
import { type AssertionRule, isSignedMethod } from '@countersign/core/inspection'
import type { Examination } from './examination.ts'
import { type Result, skip } from './finding.ts'
import { describeKeyFailure } from './key-failure.ts'
import { shorten } from './untrusted.ts'

/** Makes an assertion and holds it to the preset's rules. */
export async function examineAssertion(examination: Examination): Promise<Result> {
  const { inspection } = examination
  const { clientAuth, preset, assertion } = inspection
  if (!isSignedMethod(clientAuth)) return skip(`${clientAuth} sends none`)
  let built: Awaited<ReturnType<typeof inspection.buildAssertion>>
  try {
    built = await inspection.buildAssertion()
  } catch (error) {
    if (error instanceof KeyError) return describeKeyFailure(error)
    throw error
  }
  const { header, claims } = built
  const facts = { header, claims }
  const broken = await inspection.findBrokenRules(built)
  const kid = header['kid'] === undefined ? 'no kid' : `kid "${shorten(String(header['kid']), 20)}"`
  const thumbprint = await findThumbprint(examination, header)
  const certificate = thumbprint === undefined ? '' : `; the certificate is ${thumbprint}`
  const seen = `aud is ${describeAudience(assertion.audience)}, ${kid}, for ${assertion.lifetime} s${certificate}`
  if (broken.length === 0) return { seen, facts }
  return {
    seen,
    facts,
    problems: broken.map(({ rule, message }) => ({
      severity: 'broken',
      what: [message],
      means: `${preset?.title} refuses such an assertion: invalid_client.`,
      fix: fixes[rule] ?? `Leave "assertion" to the preset "${preset?.name}".`,
      source: preset?.sources[0],
    })),
  }
}

/**
 * The names of the certificate: the one that is sent, and the one that those who registered it see, whose
 * error messages have it too.
 */
async function findThumbprint(
  { inspection, signer }: Examination,
  header: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
  const sent = header['x5t#S256']
  const { certificates } = inspection.assertion
  if (typeof sent !== 'string' || certificates === undefined) return undefined
  const { x5t } = certificates.buildHeader((await signer()).signer, 'x5t')
  const sha1 = Buffer.from(String(x5t), 'base64url').toString('hex').toUpperCase()
  return `${sha1} (SHA-1, as dashboards show it), sent as x5t#S256 ${shorten(sent)}`
}

const fixes: Readonly<Partial<Record<AssertionRule, string>>> = {
  alg: 'Make a key for one of these algorithms: npx countersign keygen.',
  kid: 'Remove "kid" from the key or from its URI, or name the one that the provider has.',
  certificate: 'Set OIDC_CLIENT_CERT to the certificate that is registered.',
  iss: 'Set OIDC_ASSERTION_ISSUER.',
  iat: 'Set the clock of this machine by NTP.',
  nbf: 'Set the clock of this machine by NTP.',
  exp: 'Set the clock of this machine by NTP.',
}

const audiences: Readonly<Record<string, string>> = {
  issuer: 'the issuer',
  token_endpoint: 'the token endpoint',
  called_endpoint: 'the endpoint that is called',
}

/** What `aud` is, in words. */
export function describeAudience(audience: string): string {
  return audiences[audience] ?? `"${shorten(audience)}"`
}
