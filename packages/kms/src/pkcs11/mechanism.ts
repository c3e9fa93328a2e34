/**
 * The mechanism of each algorithm, and what it is given to sign.
 *
 * The digest is made here wherever a module lets us: the mechanisms that hash are missing in some
 * modules, SoftHSM among them for ECDSA.
 *
 * @see PKCS #11 Specification Version 3.1, 6.1, 6.3
 * @module
 */

import { createHash } from 'node:crypto'
import type { JwsAlgorithm } from '@countersign/core/keys'
import type { Mechanism } from 'pkcs11js'
import { StoreFault } from '../store/key-store.ts'

/** What a module is asked to sign, and how. */
export interface Operation {
  readonly mechanism: Mechanism
  readonly input: Buffer
}

interface DigestMechanisms {
  /** The name of the digest, as node:crypto has it. */
  readonly digest: string
  /** What comes before the digest in a DigestInfo. @see RFC 8017, 9.2, note 1 */
  readonly prefix: string
  /** CKM_SHA…, CKG_MGF1_SHA…, octets of the digest: the parameters of RSASSA-PSS. */
  readonly pss: readonly [hashAlg: number, mgf: number, saltLen: number]
  readonly hashing: { readonly rs: number; readonly ps: number; readonly es: number }
}

const sha256: DigestMechanisms = {
  digest: 'sha256',
  prefix: '3031300d060960864801650304020105000420',
  pss: [0x250, 2, 32],
  hashing: { rs: 0x40, ps: 0x43, es: 0x1044 },
}

const sha384: DigestMechanisms = {
  digest: 'sha384',
  prefix: '3041300d060960864801650304020205000430',
  pss: [0x260, 3, 48],
  hashing: { rs: 0x41, ps: 0x44, es: 0x1045 },
}

const sha512: DigestMechanisms = {
  digest: 'sha512',
  prefix: '3051300d060960864801650304020305000440',
  pss: [0x270, 4, 64],
  hashing: { rs: 0x42, ps: 0x45, es: 0x1046 },
}

/** The mechanisms that sign what they are given: a DigestInfo, a digest; for EdDSA the data. */
const raw = { rs: 0x01, ps: 0x0d, es: 0x1041, ed: 0x1057 } as const

interface AlgorithmMechanisms {
  readonly family: keyof typeof raw
  readonly hash?: DigestMechanisms
}

const mechanisms: Readonly<Record<JwsAlgorithm, AlgorithmMechanisms>> = {
  RS256: { family: 'rs', hash: sha256 },
  RS384: { family: 'rs', hash: sha384 },
  RS512: { family: 'rs', hash: sha512 },
  PS256: { family: 'ps', hash: sha256 },
  PS384: { family: 'ps', hash: sha384 },
  PS512: { family: 'ps', hash: sha512 },
  ES256: { family: 'es', hash: sha256 },
  ES384: { family: 'es', hash: sha384 },
  ES512: { family: 'es', hash: sha512 },
  EdDSA: { family: 'ed' },
  Ed25519: { family: 'ed' },
}

/** Whether a module that has these mechanisms signs with an algorithm. */
export function hasMechanism(alg: JwsAlgorithm, available: ReadonlySet<number>): boolean {
  return findMechanism(alg, available) !== undefined
}

/**
 * Builds what a module is to do for an algorithm.
 *
 * @throws StoreFault when it has no mechanism for it
 */
export function buildOperation(
  alg: JwsAlgorithm,
  data: Uint8Array,
  available: ReadonlySet<number>,
): Operation {
  const found = findMechanism(alg, available)
  if (!found) throw new StoreFault('unsupported-algorithm', `the token has no mechanism for ${alg}`)
  const { family, hash } = mechanisms[alg]
  const mechanism = buildMechanism(found.mechanism, family === 'ps' ? hash : undefined)
  // A copy: the module reads it on another thread
  if (!hash || found.isHashing) return { mechanism, input: Buffer.from(data) }
  const digest = createHash(hash.digest).update(data).digest()
  const prefix = family === 'rs' ? hash.prefix : ''
  return { mechanism, input: Buffer.concat([Buffer.from(prefix, 'hex'), digest]) }
}

function findMechanism(
  alg: JwsAlgorithm,
  available: ReadonlySet<number>,
): { readonly mechanism: number; readonly isHashing: boolean } | undefined {
  const { family, hash } = mechanisms[alg]
  if (available.has(raw[family])) return { mechanism: raw[family], isHashing: false }
  if (!hash || family === 'ed') return undefined
  const mechanism = hash.hashing[family]
  return available.has(mechanism) ? { mechanism, isHashing: true } : undefined
}

/** CK_PARAMS_RSA_PSS of pkcs11js. */
const pssParameters = 5

function buildMechanism(mechanism: number, hash: DigestMechanisms | undefined): Mechanism {
  if (!hash) return { mechanism }
  const [hashAlg, mgf, saltLen] = hash.pss
  const parameter = { type: pssParameters, hashAlg, mgf, saltLen }
  return { mechanism, parameter }
}
