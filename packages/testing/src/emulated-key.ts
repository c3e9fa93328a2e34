/**
 * Whether what a client signed is signed with a key that is registered.
 *
 * @module
 */

import { createPublicKey } from 'node:crypto'
import type { AssertionDemands } from '@countersign/core'
import { isSameAlgorithm } from '@countersign/core/inspection'
import { compactVerify, type JWK, type ProtectedHeaderParameters } from 'jose'
import type { BrokenEmulatorRule } from './emulator-rules.ts'

/** Finds the rule that a signature breaks: which key it names, and whether it is that key's. */
export async function findBrokenKeyRule(
  { jws, header }: { readonly jws: string; readonly header: ProtectedHeaderParameters },
  registered: { readonly keys: readonly JWK[]; readonly assertionAlg?: string | undefined },
  demands: AssertionDemands,
): Promise<BrokenEmulatorRule | undefined> {
  // RFC 7515, 4.1.11: nothing is understood that it could name; and "b64" is not for JWTs: RFC 7797, 7
  if (header.crit !== undefined) {
    return { rule: 'key', message: '"crit" must not be there: no extension is understood' }
  }
  const keys = registered.keys.filter(({ use }) => use !== 'enc')
  const named = findNamed(header, keys, demands)
  if ('rule' in named) return named
  const certified = findCertified(header, named.keys, demands)
  if ('rule' in certified) return certified
  const candidates = certified.keys
  const algs = candidates.map(({ alg }) => registered.assertionAlg ?? alg)
  if (
    algs.length > 0 &&
    algs.every((alg) => alg !== undefined && !isSameAlgorithm(alg, header.alg))
  ) {
    const expected = [...new Set(algs)].map((alg) => JSON.stringify(alg)).join(' or ')
    const message = `"alg" must be ${expected}, which is registered, and is ${show(header.alg)}`
    return { rule: 'alg', message }
  }
  for (const key of candidates) if (await isSignedWith(jws, key)) return undefined
  return { rule: 'key', message: describeStranger(candidates.length) }
}

type Found = { readonly keys: readonly JWK[] } | BrokenEmulatorRule

function findNamed(
  { kid }: ProtectedHeaderParameters,
  keys: readonly JWK[],
  demands: AssertionDemands,
): Found {
  if (kid === undefined || demands.kid === false) return { keys }
  const names = keys.flatMap((key) => key.kid ?? [])
  if (names.length === 0) {
    if (demands.kid !== 'explicit') return { keys }
    const message = `"kid" must be a name that the provider gave: there is none, and it is ${show(kid)}`
    return { rule: 'kid', message }
  }
  const own = keys.filter((key) => key.kid === kid)
  if (own.length > 0) return { keys: own }
  const known = names.map((name) => JSON.stringify(name)).join(' or ')
  return {
    rule: 'kid',
    message: `"kid" must be that of a registered key, ${known}, and is ${show(kid)}`,
  }
}

function findCertified(
  header: ProtectedHeaderParameters,
  keys: readonly JWK[],
  { certificate: name }: AssertionDemands,
): Found {
  if (name === undefined) return { keys }
  const sent = name === 'x5c' ? header.x5c?.[0] : header[name]
  const own = keys.filter((key) => (name === 'x5c' ? key.x5c?.[0] : key[name]) === sent)
  if (sent !== undefined && own.length > 0) return { keys: own }
  const message =
    name === 'x5c'
      ? '"x5c" must begin with the certificate that is registered'
      : `"${name}" must be the thumbprint of the registered certificate, ` +
        `${keys.map((key) => show(key[name])).join(' or ')}, and is ${show(sent)}`
  return { rule: 'certificate', message }
}

async function isSignedWith(jws: string, jwk: JWK): Promise<boolean> {
  try {
    // A KeyObject, not the JWK: that one's "alg" may be the other name of Ed25519
    await compactVerify(jws, createPublicKey({ key: { ...jwk }, format: 'jwk' }))
    return true
  } catch {
    return false
  }
}

function describeStranger(count: number): string {
  if (count === 0) return 'no key of the client is registered'
  const which = count === 1 ? 'the registered key' : `any of the ${count} registered keys`
  return `the signature does not verify with ${which}: register the public key that signs now`
}

function show(value: unknown): string {
  return value === undefined ? 'not there' : JSON.stringify(value).slice(0, 200)
}
