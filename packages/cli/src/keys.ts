/**
 * `countersign keys`: the keys of a set over time.
 *
 * @module
 */

import { Command } from 'commander'
import { createKeysListCommand } from './keys-list.ts'
import { createKeysRotateCommand } from './keys-rotate.ts'
import type { Surroundings } from './surroundings.ts'

/** Creates the command. */
export function createKeysCommand(surroundings: Surroundings): Command {
  return new Command('keys')
    .description('The keys of a private JWK Set over time.')
    .helpCommand(false)
    .addCommand(createKeysListCommand(surroundings))
    .addCommand(createKeysRotateCommand(surroundings))
}
