/**
 * What is said when a command cannot do what it was asked for: one clear line, and no stack.
 *
 * @module
 */

import { OidcError } from '@countersign/core'
import { CommanderError } from 'commander'
import { createPaint, escapeControls } from './paint.ts'
import type { Surroundings } from './surroundings.ts'

/**
 * The end of a command that did not succeed. Without a message everything has been said already.
 */
export class CommandError extends Error {
  readonly exitCode: number

  constructor(
    message?: string,
    { exitCode = 2, cause }: { exitCode?: number; cause?: unknown } = {},
  ) {
    super(message ?? '', cause === undefined ? undefined : { cause })
    this.name = 'CommandError'
    this.exitCode = exitCode
  }
}

/** Says what went wrong, and answers with the exit code. */
export function reportFailure(
  error: unknown,
  surroundings: Surroundings,
  { isVerbose }: { readonly isVerbose: boolean },
): number {
  // Of these everything was said when they were thrown
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  const message = describeFailure(error)
  if (message !== '') {
    const paint = createPaint(surroundings)
    surroundings.stderr.write(`${paint.red('countersign:')} ${escapeControls(message)}\n`)
  }
  if (isVerbose && message !== '')
    surroundings.stderr.write(`${escapeControls(describeStacks(error))}\n`)
  return error instanceof CommandError ? error.exitCode : 2
}

/** What is wrong, in a line; of a configuration in a line for each fault. */
export function describeFailure(error: unknown): string {
  if (error instanceof CommandError || error instanceof OidcError) return error.message
  if (isSystemError(error)) return describeSystemError(error)
  const message = error instanceof Error ? error.message : String(error)
  return `${message.split('\n')[0]} (this was not expected: --verbose shows where it happened)`
}

/** An error of the operating system, as Node throws it. */
export interface SystemError extends Error {
  readonly code: string
  readonly syscall: string
  readonly path?: string
}

/** Whether this is an error of the operating system, with one of these codes if there are any. */
export function isSystemError(error: unknown, ...codes: readonly string[]): error is SystemError {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return false
  const { code } = error
  return typeof code === 'string' && (codes.length === 0 || codes.includes(code))
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not read or write it',
  EADDRINUSE: 'somebody else listens there',
  EISDIR: 'is a folder, and a file is needed',
  ENOENT: 'there is no such file or folder',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is a file, and not a folder',
  EPERM: 'the system does not permit it',
  EROFS: 'the disk can only be read',
}

function describeSystemError({ code, syscall, path }: SystemError): string {
  return `${path ?? syscall}: ${reasons[code] ?? 'the system refuses it'} (${code})`
}

function describeStacks(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const stack = error.stack ?? error.message
  return error.cause === undefined ? stack : `${stack}\ncaused by ${describeStacks(error.cause)}`
}
