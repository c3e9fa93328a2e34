/**
 * Keys, and their passphrases, in environment variables.
 *
 * @module
 */

import { KeyError } from '../errors.ts'
import type { KeyDeclaration } from './key-material.ts'
import type { KeyPurpose } from './key-purpose.ts'
import { readKeyText } from './key-text.ts'
import { createStaticKeySource, type LocalKeySource } from './static-key.ts'

/**
 * Creates the source of the keys in an environment variable, read once.
 *
 * @throws KeyError `ERR_KEY_UNAVAILABLE`
 */
export function createEnvKeySource<Alg extends string, Key>(
  variable: string,
  purpose: KeyPurpose<Alg, Key>,
  settings: KeyDeclaration<Alg> & { readonly passphrase?: string | undefined } = {},
): LocalKeySource<Key> {
  const materials = readKeyText(readVariable(variable), purpose, settings.passphrase)
  return createStaticKeySource(`env:${variable}`, purpose.build(materials, settings))
}

/**
 * Reads an environment variable that was named in a configuration.
 *
 * @throws KeyError when it is not set
 */
export function readVariable(variable: string): string {
  const value = process.env[variable]
  if (value !== undefined) return value
  // What does not look like a name may be the secret itself, put in the wrong place
  const name = /^[A-Z_][A-Z0-9_]{0,63}$/.test(variable) ? `the variable ${variable}` : 'a variable'
  throw new KeyError('ERR_KEY_UNAVAILABLE', `names ${name}, which is not set`)
}
