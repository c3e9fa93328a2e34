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
  checkHalves,
  copyPrivateKey,
  type KeyDeclaration,
  type KeyMaterial,
  readInPlace,
} from './key-material.ts'
import { checkKids, checkOneKid, readTimes } from './key-settings.ts'
import { buildPublicJwk, calculateThumbprint } from './public-jwk.ts'

/** What is said of keys that were read. */
export interface DecrypterSettings extends KeyDeclaration<JweAlgorithm> {
  /** The key management algorithms that the provider has, where that is known. */
  readonly accepted?: readonly string[] | undefined
}

/**
 * Creates the decrypters for keys that were read.
 *
 * @throws KeyError when a key cannot decrypt with its algorithm, or with none that the provider has, or two
 *   have one `kid`
 */
export function createTimedDecrypters(
  materials: readonly KeyMaterial<JweAlgorithm>[],
  settings: DecrypterSettings,
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
  settings: DecrypterSettings,
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
  checkHalves(() => decryptsAlike(key))
  const times = readTimes(material, settings, 'decrypt')
  const kid = settings.kid ?? material.kid
  const { accepted } = settings
  const able = alg === undefined ? fitting : [alg]
  const algs = accepted ? able.filter((name) => accepted.includes(name)) : able
  if (accepted && algs.length === 0) {
    const theirs = accepted.join(', ')
    throw buildFault(`is for ${able.join(', ')}, and the provider encrypts by ${theirs} alone`)
  }
  return { decrypter: createLocalDecrypter({ key, kid, algs }), ...times }
}

function createLocalDecrypter({
  key,
  kid,
  algs,
}: {
  key: KeyObject
  kid: string | undefined
  algs: readonly JweAlgorithm[]
}): Decrypter {
  const publicJwk = buildPublicJwk(key)
  const options = {
    keyManagementAlgorithms: [...algs],
    contentEncryptionAlgorithms: [...contentEncryptionAlgorithms],
  }
  return {
    kid: kid ?? calculateThumbprint(publicJwk),
    publicJwk,
    algs,
    async decrypt(jwe, { signal } = {}) {
      signal?.throwIfAborted()
      const { plaintext } = await compactDecrypt(jwe, key, options)
      signal?.throwIfAborted()
      return plaintext
    },
  }
}

/** Whether the private half decrypts what the public one encrypts. */
function decryptsAlike(key: KeyObject): boolean {
  const publicKey = createPublicKey(key)
  if (key.asymmetricKeyType !== 'rsa') return agreesAlike(key, publicKey)
  const data = Buffer.from('do the halves fit?')
  return privateDecrypt(key, publicEncrypt(publicKey, data)).equals(data)
}

/** Whether both halves agree upon the same secret with a key that is made for it. */
function agreesAlike(privateKey: KeyObject, publicKey: KeyObject): boolean {
  const namedCurve = privateKey.asymmetricKeyDetails?.namedCurve
  const other = namedCurve
    ? generateKeyPairSync('ec', { namedCurve })
    : generateKeyPairSync('x25519')
  const ours = diffieHellman({ privateKey, publicKey: other.publicKey })
  return ours.equals(diffieHellman({ privateKey: other.privateKey, publicKey }))
}
