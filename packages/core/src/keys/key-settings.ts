/**
 * What a configuration says about a key besides the key: its algorithm, its name, its time.
 *
 * @module
 */

import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import type { AcceptedKeys } from './accepted-keys.ts'
import {
  algorithms,
  chooseAlgorithm,
  describeKey,
  findMisfit,
  type JwsAlgorithm,
} from './algorithms.ts'
import {
  buildFault,
  checkHalves,
  type KeyDeclaration,
  type KeyMaterial,
  readInPlace,
} from './key-material.ts'
import { createLocalSigner } from './local-signer.ts'
import { calculateThumbprint } from './public-jwk.ts'
import type { NamedKey, TimedSigner } from './signer.ts'

/** What is configured for a key. It wins over what the key's own form says. */
export interface KeySettings extends KeyDeclaration {
  /** For an RSA key that nothing names an algorithm for. */
  readonly defaultRsaAlg: JwsAlgorithm
  /** What the provider accepts, where that is known. */
  readonly accepted?: AcceptedKeys | undefined
}

/**
 * Creates the signers for keys that were read.
 *
 * @throws KeyError when a key cannot sign with its algorithm, or two have one `kid`
 */
export function createTimedSigners(
  materials: readonly KeyMaterial[],
  settings: KeySettings,
): readonly TimedSigner[] {
  checkOneKid(materials, settings)
  const keys = materials.map((material) =>
    readInPlace(material.place, () => createTimedSigner(material, settings)),
  )
  checkKids(keys.map(({ signer }) => signer))
  return keys
}

/**
 * Checks that a `kid` that is configured names one key.
 *
 * @throws KeyError
 */
export function checkOneKid(
  materials: readonly unknown[],
  { kid }: { kid?: string | undefined },
): void {
  if (kid === undefined || materials.length < 2) return
  throw buildFault('has several keys, which cannot all be named by one "kid"')
}

/**
 * Checks that no two keys that were read together have one name.
 *
 * @throws KeyError
 */
export function checkKids(keys: readonly NamedKey[]): void {
  const shared = findSharedKid(keys)
  if (shared !== undefined) throw buildFault(`has different keys with the "kid" "${shared}"`)
}

/** Finds the `kid` of two different keys: a provider could take the one for the other. */
export function findSharedKid(keys: readonly NamedKey[]): string | undefined {
  const thumbprints = new Map<string, string>()
  return keys.find(({ kid, publicJwk }) => {
    const thumbprint = calculateThumbprint(publicJwk)
    const first = thumbprints.get(kid) ?? thumbprint
    thumbprints.set(kid, first)
    return thumbprint !== first
  })?.kid
}

function createTimedSigner(material: KeyMaterial, settings: KeySettings): TimedSigner {
  const { key } = material
  if (key.type !== 'private')
    throw buildFault(`is a ${key.type} key, and the private key is needed`)
  const alg = settings.alg ?? material.alg ?? chooseAlgorithm(key, settings.defaultRsaAlg)
  if (alg === undefined) {
    throw buildFault(
      `is a key of type ${describeKey(key)}, which no supported algorithm takes: use RSA, P-256, ` +
        'P-384, P-521 or Ed25519',
    )
  }
  const misfit = findMisfit(key, alg)
  if (misfit !== undefined) throw buildFault(misfit)
  const kid = settings.kid ?? material.kid
  const fault = settings.accepted?.findFault({ alg, hasExplicitKid: kid !== undefined })
  if (fault !== undefined) throw buildFault(fault)
  checkHalves(() => signsAlike(key, alg))
  const times = readTimes(material, settings, 'sign')
  const signer = createLocalSigner({ key, alg, kid })
  return { signer, ...times }
}

/**
 * Reads when a key begins and ends.
 *
 * @throws KeyError when its end is not later than its beginning
 */
export function readTimes(
  material: KeyDeclaration<string>,
  settings: KeyDeclaration<string>,
  activity: 'sign' | 'decrypt',
): Pick<KeyDeclaration, 'notBefore' | 'notAfter'> {
  const notBefore = settings.notBefore ?? material.notBefore
  const notAfter = settings.notAfter ?? material.notAfter
  if (notBefore !== undefined && notAfter !== undefined && notBefore >= notAfter) {
    throw buildFault(`has no time to ${activity} in: its end is not later than its beginning`)
  }
  return { notBefore, notAfter }
}

/** Whether what the private half signs verifies under the public one. */
function signsAlike(key: KeyObject, alg: JwsAlgorithm): boolean {
  const { digest, parameters } = algorithms[alg]
  const data = Buffer.from('do the halves fit?')
  const signature = sign(digest, data, { key, ...parameters })
  return verify(digest, data, { key: createPublicKey(key), ...parameters }, signature)
}
