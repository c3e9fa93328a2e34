/**
 * Private keys, read into key objects, and what is said of those that cannot be.
 *
 * A message names the form that was seen and what to do. It never holds any of the material, which is
 * why the messages of node:crypto and of the JSON parser are not passed on, not even as a cause.
 *
 * @module
 */

import { createPrivateKey, type KeyObject } from 'node:crypto'
import { KeyError } from '../errors.ts'
import type { JwsAlgorithm } from './algorithms.ts'

/** What is said about a key besides the key. */
export interface KeyDeclaration<Alg extends string = JwsAlgorithm> {
  readonly alg?: Alg | undefined
  readonly kid?: string | undefined
  /** NumericDate. */
  readonly notBefore?: number | undefined
  /** NumericDate. */
  readonly notAfter?: number | undefined
}

/** One private key with what its own form says about it. */
export interface KeyMaterial<Alg extends string = JwsAlgorithm> extends KeyDeclaration<Alg> {
  readonly key: KeyObject
  /** Which one it is, where it is one of several. For messages. */
  readonly place?: string | undefined
}

/**
 * Reads a private key with node:crypto.
 *
 * @throws KeyError `ERR_KEY_UNAVAILABLE` with `message`
 */
export function readPrivateKey(
  input: Parameters<typeof createPrivateKey>[0],
  message: string,
): KeyObject {
  try {
    return createPrivateKey(input)
  } catch {
    throw buildFault(message)
  }
}

/** Copies a private key, so that it shares no lock with whatever made it. */
export function copyPrivateKey(key: KeyObject): KeyObject {
  if (key.type !== 'private') return key
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' })
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
}

/** Builds what is thrown of a key that cannot be used. */
export function buildFault(message: string): KeyError {
  return new KeyError('ERR_KEY_UNAVAILABLE', message)
}

/**
 * Reads something, and says of a fault where it is.
 *
 * @throws KeyError
 */
export function readInPlace<Value>(place: string | undefined, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof KeyError) || place === undefined) throw error
    throw buildFault(`${place} ${error.message}`)
  }
}

/**
 * Checks that a key's halves belong together, which nobody does who reads a JWK. Using both now, for some
 * milliseconds, keeps a bad new key from taking the place of a good one.
 *
 * @throws KeyError
 */
export function checkHalves(isWhole: () => boolean): void {
  try {
    if (isWhole()) return
  } catch {
    // What node:crypto says of a key that cannot be used is no help
  }
  throw buildFault('is a damaged key: its public half does not belong to its private half')
}
