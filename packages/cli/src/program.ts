/**
 * The program: its commands, and how it answers.
 *
 * @module
 */

import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { createAssertionCommand } from './assertion.ts'
import { createDoctorCommand } from './doctor.ts'
import { createEmulatorCommand } from './emulator.ts'
import { addGlobalOptions, readGlobalOptions } from './environment.ts'
import { reportFailure } from './failure.ts'
import { createJwksCommand } from './jwks.ts'
import { createKeygenCommand } from './keygen.ts'
import { createKeysCommand } from './keys.ts'
import { escapeControls } from './paint.ts'
import { hasColour, type Surroundings } from './surroundings.ts'

/** What creates a command. */
type CreateCommand = (surroundings: Surroundings) => Command

/** The commands, in the order of the help. */
const commands: readonly CreateCommand[] = [
  createKeygenCommand,
  createKeysCommand,
  createJwksCommand,
  createAssertionCommand,
  createDoctorCommand,
  createEmulatorCommand,
]

/**
 * Runs the program, and answers with its exit code: 0 when all is well, 1 when a command that looked for
 * faults has warnings and nothing else, 2 when it found something broken, or could not be run.
 *
 * @param argv The words after the program's name.
 */
export async function runProgram(
  argv: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const program = createProgram(argv, surroundings)
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return 0
  } catch (error) {
    const isVerbose = readGlobalOptions(program).verbose && !(error instanceof CommanderError)
    return reportFailure(error, surroundings, { isVerbose })
  }
}

function createProgram(argv: readonly string[], surroundings: Surroundings): Command {
  const { stdout, stderr, columns } = surroundings
  const program = new Command('countersign')
    .description('Client keys for OpenID Providers, and why one answers invalid_client.')
    .version(readVersion(), '--version', 'print the version')
    .helpOption('--help', 'print this help')
    .helpCommand(false)
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => write(describeUsageFault(text, argv)),
      getOutHelpWidth: () => columns,
      getErrHelpWidth: () => columns,
      getOutHasColors: () => hasColour(surroundings),
      getErrHasColors: () => hasColour(surroundings),
    })
  addGlobalOptions(program)
  for (const create of commands) adopt(program, create(surroundings))
  return program
}

/** Adds a command that was made apart, with all that it would have had from its parent. */
function adopt(parent: Command, command: Command): void {
  parent.addCommand(command)
  command.copyInheritedSettings(parent)
  for (const child of command.commands) {
    child.copyInheritedSettings(command)
  }
}

/** The length from which a word may be a key or a secret that was meant for a variable. */
const maxQuoted = 40

/** What commander says, as a line like all others. */
function describeUsageFault(text: string, argv: readonly string[]): string {
  const [message = '', ...others] = hideSecrets(text, argv)
    .trim()
    .replace(/^error: /, '')
    .split('\n')
  const guess = /\(Did you mean (.+)\?\)/.exec(others.join(' '))?.[1]
  const line = guess === undefined ? message : `${message}: did you mean ${guess}?`
  return `countersign: ${escapeControls(line)}\n`
}

/** Leaves out what may be a key, or a secret: commander repeats every word that it does not understand. */
function hideSecrets(text: string, argv: readonly string[]): string {
  const secrets = argv
    .map((word) => word.replace(/^--?\w[\w-]*=/, ''))
    .filter((word) => word.includes('-----') || word.length > maxQuoted)
    .sort((a, b) => b.length - a.length)
  return secrets.reduce((shown, secret) => shown.replaceAll(secret, '…'), text)
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  )
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
}
