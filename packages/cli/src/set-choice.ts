/**
 * Which set of keys a command is about: the one that is named, else the app's.
 *
 * @module
 */

import type { Environment } from './environment.ts'
import { CommandError } from './failure.ts'
import { readPlace } from './key-set.ts'

/** The set's path, and how it is called in messages. */
export interface ChosenSet {
  readonly path: string
  readonly name: string
}

/**
 * Chooses the set.
 *
 * @throws CommandError when none is named, or what is named is no file
 */
export function chooseSet(
  named: string | undefined,
  environment: Environment,
  cwd: string,
): ChosenSet {
  const variable = environment['OIDC_CLIENT_KEY']?.trim()
  if (named !== undefined) return { path: readPlace(named, cwd), name: named }
  if (!variable) {
    throw new CommandError('name a private JWK Set, such as keys.json, or set OIDC_CLIENT_KEY')
  }
  // Anything else may be the key itself, and is not repeated
  if (!/^file:\S+$/i.test(variable)) {
    throw new CommandError('OIDC_CLIENT_KEY names no single file: name the private JWK Set')
  }
  return { path: readPlace(variable, cwd), name: variable }
}
