/**
 * Decrypters whose private key is in this process.
 *
 * @module
 */

import {
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
} from 'node:crypto'
import { compactDecrypt } from 'jose'
import { describeKey } from './algorithms.ts'
import type { Decrypter, TimedDecrypter } from './decrypter.ts'
import {
  contentEncryptionAlgorithms,
  findJweAlgorithms,
  type JweAlgorithm,
} from './jwe-algorithms.ts'
import {
  buildFault,
  copyPrivateKey,
  type KeyDeclaration,
  type KeyMaterial,
  readInPlace,
} from './key-material.ts'
import { checkKids, checkOneKid, readTimes } from './key-settings.ts'
import { buildPublicJwk, calculateThumbprint } from './public-jwk.ts'

/**
 * Creates the decrypters for keys that were read.
 *
 * @throws KeyError when a key cannot decrypt with its algorithm, or two have one `kid`
 */
export function createTimedDecrypters(
  materials: readonly KeyMaterial<JweAlgorithm>[],
  settings: KeyDeclaration<JweAlgorithm>,
): readonly TimedDecrypter[] {
  checkOneKid(materials, settings)
  const keys = materials.map((material) =>
    readInPlace(material.place, () => createTimedDecrypter(material, settings)),
  )
  checkKids(keys.map(({ decrypter }) => decrypter))
  return keys
}

function createTimedDecrypter(
  material: KeyMaterial<JweAlgorithm>,
  settings: KeyDeclaration<JweAlgorithm>,
): TimedDecrypter {
  // A copy: jose may export it as a JWK, and a key of this process's generator can block there (Node 20)
  const key = copyPrivateKey(material.key)
  if (key.type !== 'private')
    throw buildFault(`is a ${key.type} key, and the private key is needed`)
  const fitting = findJweAlgorithms(key)
  if ('misfit' in fitting) throw buildFault(fitting.misfit)
  const alg = settings.alg ?? material.alg
  if (alg !== undefined && !fitting.includes(alg)) {
    throw buildFault(`"${alg}" needs a key of another type, and this one is ${describeKey(key)}`)
  }
  checkHalves(key)
  const times = readTimes(material, settings, 'decrypt')
  const kid = settings.kid ?? material.kid
  return { decrypter: createLocalDecrypter({ key, kid, alg, algs: fitting }), ...times }
}

function createLocalDecrypter({
  key,
  kid,
  alg,
  algs: fitting,
}: {
  key: KeyObject
  kid: string | undefined
  alg: JweAlgorithm | undefined
  algs: readonly JweAlgorithm[]
}): Decrypter {
  const publicJwk = buildPublicJwk(key)
  const algs = alg === undefined ? fitting : [alg]
  const options = {
    keyManagementAlgorithms: [...algs],
    contentEncryptionAlgorithms: [...contentEncryptionAlgorithms],
  }
  return {
    kid: kid ?? calculateThumbprint(publicJwk),
    publicJwk,
    alg,
    algs,
    async decrypt(jwe, { signal } = {}) {
      signal?.throwIfAborted()
      const { plaintext } = await compactDecrypt(jwe, key, options)
      signal?.throwIfAborted()
      return plaintext
    },
  }
}

/**
 * Checks that a key's halves belong together, which nobody does who reads a JWK: what the public half
 * encrypts must be decrypted by the private one.
 */
function checkHalves(key: KeyObject): void {
  const publicKey = createPublicKey(key)
  const data = Buffer.from('do the halves fit?')
  try {
    const isWhole =
      key.asymmetricKeyType === 'rsa'
        ? privateDecrypt(key, publicEncrypt(publicKey, data)).equals(data)
        : agreeAlike(key, publicKey)
    if (isWhole) return
  } catch {
    // What node:crypto says of a key that does not decrypt is no help
  }
  throw buildFault('is a damaged key: its public half does not belong to its private half')
}

/** Whether both halves agree upon the same secret with a key that is made for it. */
function agreeAlike(privateKey: KeyObject, publicKey: KeyObject): boolean {
  const namedCurve = privateKey.asymmetricKeyDetails?.namedCurve
  const other = namedCurve
    ? generateKeyPairSync('ec', { namedCurve })
    : generateKeyPairSync('x25519')
  const ours = diffieHellman({ privateKey, publicKey: other.publicKey })
  return ours.equals(diffieHellman({ privateKey: other.privateKey, publicKey }))
}
