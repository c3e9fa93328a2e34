/**
 * The vendors' packages, loaded where one is used.
 *
 * @module
 */

import { KeyError } from '@countersign/core/keys'

/**
 * Loads an optional peer dependency. `all` are those that are needed together.
 *
 * @throws KeyError that says what to install
 */
export async function loadPeer<Module>(
  name: string,
  load: () => Promise<Module>,
  all: string = name,
): Promise<Module> {
  try {
    return await load()
  } catch (cause) {
    const isMissing =
      cause instanceof Error &&
      'code' in cause &&
      (cause.code === 'ERR_MODULE_NOT_FOUND' || cause.code === 'MODULE_NOT_FOUND')
    const message = isMissing
      ? `the package "${name}" is not installed: npm install ${all}`
      : `the package "${name}" cannot be loaded: install it again`
    throw new KeyError('ERR_KEY_UNAVAILABLE', message, { cause })
  }
}
