/**
 * Keys that are what they were at the start: from an environment variable, or passed in.
 *
 * @module
 */

import { KeyError } from '../errors.ts'
import { readKeyText } from './key-material.ts'
import { createTimedSigners, type KeySettings } from './key-settings.ts'
import type { KeySource, TimedSigner } from './signer.ts'

/** Creates the source of keys that do not change. */
export function createStaticKeySource(name: string, keys: readonly TimedSigner[]): KeySource {
  return { name, keys: () => Promise.resolve(keys) }
}

/**
 * Creates the source of the keys in an environment variable, read once.
 *
 * @throws KeyError `ERR_KEY_UNAVAILABLE`
 */
export function createEnvKeySource(
  variable: string,
  settings: KeySettings & { readonly passphrase?: string | undefined },
): KeySource {
  const text = process.env[variable]
  if (text === undefined) {
    throw new KeyError('ERR_KEY_UNAVAILABLE', `names the variable ${variable}, which is not set`)
  }
  const materials = readKeyText(text, settings.passphrase)
  return createStaticKeySource(`env:${variable}`, createTimedSigners(materials, settings))
}
