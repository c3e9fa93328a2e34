/**
 * What a configuration says about a key besides the key: its algorithm, its name, its time.
 *
 * @module
 */

import { KeyError } from '../errors.ts'
import { chooseAlgorithm, describeKey, findMisfit, type JwsAlgorithm } from './algorithms.ts'
import type { KeyMaterial } from './key-material.ts'
import { createLocalSigner } from './local-signer.ts'
import type { TimedSigner } from './signer.ts'

/** What is configured for a key. It wins over what the key's own form says. */
export interface KeySettings {
  readonly alg?: JwsAlgorithm | undefined
  readonly kid?: string | undefined
  /** NumericDate. */
  readonly notBefore?: number | undefined
  /** NumericDate. */
  readonly notAfter?: number | undefined
  /** For an RSA key that nothing names an algorithm for. */
  readonly defaultRsaAlg: JwsAlgorithm
}

/**
 * Creates the signers for keys that were read.
 *
 * @throws KeyError when a key does not fit its algorithm
 */
export function createTimedSigners(
  materials: readonly KeyMaterial[],
  settings: KeySettings,
): readonly TimedSigner[] {
  if (settings.kid !== undefined && materials.length > 1) {
    throw new KeyError('ERR_KEY_UNAVAILABLE', 'has several keys, which cannot all be named by one "kid"')
  }
  return materials.map((material) => createTimedSigner(material, settings))
}

function createTimedSigner(material: KeyMaterial, settings: KeySettings): TimedSigner {
  const { key } = material
  if (key.type !== 'private') {
    throw new KeyError('ERR_KEY_UNAVAILABLE', `is a ${key.type} key, and the private key is needed`)
  }
  const alg = settings.alg ?? material.alg ?? chooseAlgorithm(key, settings.defaultRsaAlg)
  if (alg === undefined) {
    throw new KeyError('ERR_KEY_UNAVAILABLE', `is a key that no algorithm takes: ${describeKey(key)}`)
  }
  const misfit = findMisfit(key, alg)
  if (misfit !== undefined) throw new KeyError('ERR_KEY_UNAVAILABLE', misfit)
  return {
    signer: createLocalSigner({ key, alg, kid: settings.kid ?? material.kid }),
    notBefore: settings.notBefore ?? material.notBefore,
    notAfter: settings.notAfter ?? material.notAfter,
  }
}

/** Reads a moment: a NumericDate, an ISO 8601 date or a `Date`. `undefined` when it is none. */
export function readMoment(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  const isDigits = typeof value === 'string' && /^\d{9,}$/.test(value)
  if (isDigits) return Number(value)
  const time = value instanceof Date ? value.getTime() : Date.parse(String(value))
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000)
}
