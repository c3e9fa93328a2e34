/**
 * A private key that is a `CryptoKey`, extractable or not.
 *
 * @module
 */

import { KeyObject, type webcrypto } from 'node:crypto'
import { buildFault, type KeyMaterial } from './key-material.ts'
import type { KeyUse } from './key-purpose.ts'

/** Whether this is a `CryptoKey`, of whatever implementation. */
export function isCryptoKey(input: unknown): input is webcrypto.CryptoKey {
  return Object.prototype.toString.call(input) === '[object CryptoKey]'
}

/**
 * Reads a `CryptoKey`. It is bound to one algorithm when it is made, and keeps it here.
 *
 * Of one that is not extractable the public half is needed all the same, and a `KeyObject` is the only
 * way to it. Node 24 tells of that once on stderr (DEP0204), which is left as it is.
 *
 * @throws KeyError `ERR_KEY_UNAVAILABLE`
 */
export function readCryptoKey<Alg extends string>(
  key: webcrypto.CryptoKey,
  use: KeyUse<Alg>,
): KeyMaterial<Alg> {
  const { verb, usages } = use
  if (key.type === 'private' && !usages.some((usage) => key.usages.includes(usage))) {
    const list = usages.map((usage) => `["${usage}"]`).join(' or ')
    throw buildFault(`is a CryptoKey that may not ${verb}: import it with ${list}`)
  }
  return { key: readKeyObject(key), alg: readAlg(key, use) }
}

function readKeyObject(key: webcrypto.CryptoKey): KeyObject {
  try {
    // The private half is used where it is, never exported
    return KeyObject.from(key)
  } catch {
    throw buildFault(
      key.extractable
        ? "is a CryptoKey of another implementation than Node's own"
        : 'is a CryptoKey that cannot be used because it is not extractable: import it as extractable',
    )
  }
}

const rsaPrefixes: Readonly<Record<string, string>> = {
  'RSASSA-PKCS1-v1_5': 'RS',
  'RSA-PSS': 'PS',
  'RSA-OAEP': 'RSA-OAEP-',
}

/** For elliptic curves the curve says it. */
function readAlg<Alg extends string>(
  { algorithm }: webcrypto.CryptoKey,
  use: KeyUse<Alg>,
): Alg | undefined {
  const prefix = rsaPrefixes[algorithm.name]
  if (prefix === undefined || !('hash' in algorithm)) return undefined
  const { name } = algorithm.hash as webcrypto.KeyAlgorithm
  // RFC 7518, 4.3: the one with SHA-1 has no number
  const alg = name.replace('SHA-', prefix).replace(/^RSA-OAEP-1$/, 'RSA-OAEP')
  if (use.isAlgorithm(alg)) return alg
  throw buildFault(
    `is a CryptoKey for ${algorithm.name} with ${name}, which is no ${use.algorithmName} that is supported`,
  )
}
