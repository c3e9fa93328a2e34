/**
 * All that is known of each signature algorithm, one row per `alg`. Nothing else enumerates them.
 *
 * @see RFC 7518, 3
 * @see RFC 8037, 3.1
 *
 * @module
 */

import { constants, createHash, type KeyObject } from 'node:crypto'

/** A signature algorithm of JOSE that a client key may use. */
export type JwsAlgorithm =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'
  | 'Ed25519'

/** What an algorithm demands of a key, and how node:crypto is asked for it. */
export interface Algorithm {
  readonly keyTypes: readonly string[]
  /** The curve as node:crypto names it. */
  readonly curve?: string
  /** The digest; `null` where the algorithm has its own. */
  readonly digest: string | null
  /** Parameters for node:crypto's `sign` and `verify`. */
  readonly parameters: {
    readonly padding?: number
    readonly saltLength?: number
    readonly dsaEncoding?: 'ieee-p1363'
  }
  /** Whether signing, and verifying, take less time than a turn of the thread pool would. */
  readonly isLight: { readonly sign: boolean; readonly verify: boolean }
}

const pkcs1 = (digest: string): Algorithm => ({
  keyTypes: ['rsa'],
  digest,
  parameters: { padding: constants.RSA_PKCS1_PADDING },
  isLight: { sign: false, verify: true },
})

// RFC 7518, 3.5: the salt is as long as the digest
const pss = (digest: string): Algorithm => ({
  keyTypes: ['rsa', 'rsa-pss'],
  digest,
  parameters: {
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  },
  isLight: { sign: false, verify: true },
})

// RFC 7518, 3.4: r || s, not DER
const ecdsa = (curve: string, digest: string): Algorithm => ({
  keyTypes: ['ec'],
  curve,
  digest,
  parameters: { dsaEncoding: 'ieee-p1363' },
  isLight: { sign: curve === 'prime256v1', verify: curve === 'prime256v1' },
})

const ed25519: Algorithm = {
  keyTypes: ['ed25519'],
  digest: null,
  parameters: {},
  isLight: { sign: true, verify: true },
}

/** The table. */
export const algorithms: Readonly<Record<JwsAlgorithm, Algorithm>> = {
  RS256: pkcs1('sha256'),
  RS384: pkcs1('sha384'),
  RS512: pkcs1('sha512'),
  PS256: pss('sha256'),
  PS384: pss('sha384'),
  PS512: pss('sha512'),
  ES256: ecdsa('prime256v1', 'sha256'),
  ES384: ecdsa('secp384r1', 'sha384'),
  ES512: ecdsa('secp521r1', 'sha512'),
  EdDSA: ed25519,
  Ed25519: ed25519,
}

/** The names of all algorithms. */
export const jwsAlgorithms: readonly JwsAlgorithm[] = Object.keys(algorithms).filter(isJwsAlgorithm)

/** Whether this is the name of an algorithm that a client key may use. */
export function isJwsAlgorithm(name: unknown): name is JwsAlgorithm {
  return typeof name === 'string' && Object.hasOwn(algorithms, name)
}

/** RFC 7518, 3.3 and 3.5: a key of 2048 bits or larger MUST be used. */
const minModulus = 2048

/** Chooses the algorithm that a key is made for; for plain RSA the default, which has several. */
export function chooseAlgorithm(
  key: KeyObject,
  defaultRsaAlg: JwsAlgorithm,
): JwsAlgorithm | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type === 'rsa') return defaultRsaAlg
  if (type === 'rsa-pss') {
    return jwsAlgorithms.find(
      (alg) =>
        alg.startsWith('PS') && algorithms[alg].digest === (details?.hashAlgorithm ?? 'sha256'),
    )
  }
  return jwsAlgorithms.find((alg) => findMisfit(key, alg) === undefined)
}

/** Says why a key cannot be used with an algorithm; `undefined` when it can. */
export function findMisfit(key: KeyObject, alg: JwsAlgorithm): string | undefined {
  const { keyTypes, curve } = algorithms[alg]
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: details } = key
  if (!keyTypes.includes(type)) {
    return `"${alg}" needs a key of type ${keyTypes.join(' or ')}, and this one is ${describeKey(key)}`
  }
  if (curve !== undefined && details?.namedCurve !== curve) {
    return `"${alg}" needs the curve ${curve}, and this key is ${describeKey(key)}`
  }
  const bits = details?.modulusLength
  if (bits !== undefined && bits < minModulus) {
    return `is an RSA key of ${bits} bits, and ${minModulus} is the least: make a new one`
  }
  return type === 'rsa-pss' ? findPssMisfit(key, alg) : undefined
}

/** An id-RSASSA-PSS key may be bound to parameters, which are then those of RFC 7518, 3.5 or not. */
function findPssMisfit({ asymmetricKeyDetails }: KeyObject, alg: JwsAlgorithm): string | undefined {
  const { hashAlgorithm, mgf1HashAlgorithm, saltLength = 0 } = asymmetricKeyDetails ?? {}
  if (hashAlgorithm === undefined) return undefined
  const { digest } = algorithms[alg]
  if (hashAlgorithm !== digest || mgf1HashAlgorithm !== digest) {
    return `"${alg}" needs ${digest}, and this key is bound to ${hashAlgorithm} (MGF1: ${mgf1HashAlgorithm})`
  }
  const octets = createHash(digest).digest().length
  if (saltLength <= octets) return undefined
  return `"${alg}" needs a salt of ${octets} octets, and this key is bound to ${saltLength} or more`
}

/** A key's type, in words. */
export function describeKey({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const curve = asymmetricKeyDetails?.namedCurve
  return curve === undefined ? String(asymmetricKeyType) : `${asymmetricKeyType} ${curve}`
}

/** Whether two names are of one algorithm: Ed25519 has two. @see RFC 9864, 2.2 */
export function isSameAlgorithm(a: unknown, b: unknown): boolean {
  const unify = (alg: unknown) => (alg === 'Ed25519' ? 'EdDSA' : alg)
  return unify(a) === unify(b)
}

/** Chooses the algorithm of RSA keys that nothing names one for: the first one that a provider accepts. */
export function chooseRsaAlgorithm(accepted: readonly JwsAlgorithm[] = []): JwsAlgorithm {
  return accepted.find((alg) => algorithms[alg].keyTypes.includes('rsa')) ?? 'RS256'
}
