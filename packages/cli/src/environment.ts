/**
 * The options that all commands take, and the environment that they work with.
 *
 * @module
 */

import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { type Options, optionsFromEnv } from '@countersign/core'
import type { Command } from 'commander'
import { CommandError } from './failure.ts'
import type { Surroundings } from './surroundings.ts'

/** The options that all commands take. */
export interface GlobalOptions {
  /** Files of variables. */
  readonly envFile: readonly string[]
  /** Whether a program reads what is printed. */
  readonly json: boolean
  /** Whether the stack of a failure is shown. */
  readonly verbose: boolean
}

/** Adds the options that all commands take. */
export function addGlobalOptions(program: Command): Command {
  return program
    .option(
      '-e, --env-file <path>',
      'read variables (OIDC_*) from a file, as node --env-file does; may be given more than once',
      (path: string, paths: readonly string[] = []) => [...paths, path],
    )
    .option('--json', 'print JSON, for programs')
    .option('--verbose', 'show the stack of what went wrong')
}

/** Reads the options that all commands take, wherever on the line they were. */
export function readGlobalOptions(command: Command): GlobalOptions {
  const {
    envFile = [],
    json = false,
    verbose = false,
  } = command.optsWithGlobals<Partial<GlobalOptions>>()
  return { envFile, json, verbose }
}

/** The environment, as programs see it. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The size from which a file is none of variables, but was named by mistake. */
const maxSize = 1_000_000

/**
 * Adds the variables of the files to those of the environment, which win, as `node --env-file` does. A later
 * file wins over an earlier one.
 *
 * @throws CommandError
 */
export function readEnvironment(
  { env, cwd }: Surroundings,
  envFiles: readonly string[],
): Environment {
  const fromFiles = envFiles.map((path) => {
    const place = resolve(cwd, path)
    const stats = statSync(place)
    if (!stats.isFile() && !stats.isFIFO()) throw new CommandError(`${path} is not a file`)
    if (stats.size > maxSize) {
      throw new CommandError(`${path} is not a file of variables: it has more than 1 MB`)
    }
    return parseEnv(readFileSync(place, 'utf8'))
  })
  return Object.assign(env, ...fromFiles, { ...env })
}

/**
 * Reads the options of the app.
 *
 * @throws ConfigurationError with every fault
 */
export function readOptions(surroundings: Surroundings, envFiles: readonly string[]): Options {
  return optionsFromEnv(readEnvironment(surroundings, envFiles))
}
