/**
 * Whether the provider says that it takes our way of Client Authentication, and our algorithm.
 *
 * @see OpenID Connect Discovery 1.0, 3
 *
 * @module
 */

import { isSameAlgorithm, isSignedMethod } from '@countersign/core/inspection'
import type { Examination } from './examination.ts'
import { fault, type Result, skip } from './finding.ts'
import { shorten } from './untrusted.ts'

/** What a way is called in metadata. */
const wireNames: Readonly<Record<string, string>> = {
  signed_client_secret: 'client_secret_post',
  callback: 'private_key_jwt',
}

/** Looks for our way of Client Authentication among the provider's. */
export async function examineMethod({ inspection }: Examination): Promise<Result> {
  const { clientAuth, preset } = inspection
  const name = wireNames[clientAuth] ?? clientAuth
  const metadata = await inspection.metadata()
  const listed = readList(metadata.token_endpoint_auth_methods_supported)
  const facts = { method: name, supported: listed ?? null }
  if (listed?.includes(name)) return { seen: `the provider takes ${name}`, facts }
  const isDocumented = preset?.clientAuth.some((each) => (wireNames[each] ?? each) === name)
  // Discovery, 3: left out, it means client_secret_basic
  const seen = listed
    ? `the provider does not list ${name}, but ${shorten(listed.join(', '))}`
    : `the provider does not list its ways of authentication, which stands for client_secret_basic`
  if (isDocumented) {
    return fault(
      'warning',
      seen,
      {
        means: `The documents of ${preset?.title} name it: for this tenant or plan it may be switched off.`,
        fix: 'Run the doctor with --probe: it asks the provider itself.',
        source: preset?.sources[0],
      },
      facts,
    )
  }
  return fault(
    listed ? 'broken' : 'warning',
    seen,
    {
      means: `A provider that does not take ${name} answers invalid_client at every login.`,
      fix: `Look in the provider's settings for ${name}: it may have to be switched on for this client, or for a plan.`,
    },
    facts,
  )
}

/** Looks for our algorithm among the provider's. */
export async function examineAlgorithm({ inspection, signer }: Examination): Promise<Result> {
  const { preset } = inspection
  if (!isSignedMethod(inspection.clientAuth)) return skip(`${inspection.clientAuth} signs nothing`)
  const { alg } = (await signer()).signer
  const metadata = await inspection.metadata()
  const listed = readList(metadata.token_endpoint_auth_signing_alg_values_supported)
  const { algs, recommendedAlgs } = preset?.assertion ?? {}
  const facts = { alg, supported: listed ?? null }
  if (listed && !isAmong(alg, listed)) {
    return fault(
      'broken',
      `the provider does not list ${alg}, but ${shorten(listed.join(', '))}`,
      {
        means: 'It refuses assertions that are signed with another algorithm: invalid_client.',
        fix: describeNewKey(listed),
      },
      facts,
    )
  }
  if (algs && !isAmong(alg, algs)) {
    return fault(
      'broken',
      `${preset?.title} does not take ${alg}, but ${algs.join(' or ')}`,
      {
        means: 'It refuses assertions that are signed with another algorithm: invalid_client.',
        fix: describeNewKey(algs),
        source: preset?.sources[0],
      },
      facts,
    )
  }
  if (recommendedAlgs && !isAmong(alg, recommendedAlgs)) {
    return fault(
      'warning',
      `${alg} is taken, and ${recommendedAlgs.join(' or ')} recommended`,
      {
        means: `${preset?.title} may not have it for every client.`,
        fix: describeNewKey(recommendedAlgs),
        source: preset?.sources[0],
      },
      facts,
    )
  }
  const seen = listed
    ? `the provider takes ${alg}`
    : `${alg}: the provider does not list its algorithms`
  return { seen, facts }
}

/** What is no list of texts is as good as left out. */
function readList(untrusted: unknown): readonly string[] | undefined {
  const isText = (value: unknown) => typeof value === 'string'
  return Array.isArray(untrusted) && untrusted.every(isText) ? untrusted : undefined
}

function isAmong(alg: string, algs: readonly string[]): boolean {
  return algs.some((each) => isSameAlgorithm(each, alg))
}

/** Algorithms that keys are made for, the one that most would choose first. */
const makeable = ['ES256', 'PS256', 'RS256', 'EdDSA', 'ES384', 'ES512']

function describeNewKey(algs: readonly string[]): string {
  const alg = makeable.find((each) => isAmong(each, algs))
  if (alg === undefined) return 'Ask the provider for an algorithm with a public key.'
  const sign =
    alg === 'RS256' || alg === 'PS256'
      ? `; an RSA key that is there signs with OIDC_CLIENT_ALG=${alg}`
      : ''
  return `Make a key that fits: npx countersign keygen --alg ${alg}${sign}.`
}
