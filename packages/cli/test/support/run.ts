/**
 * The program in this process, in a folder of its own.
 *
 * @module
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { runProgram } from '../../src/program.ts'
import type { Surroundings } from '../../src/surroundings.ts'

/** 2026-06-01 12:00:00 UTC */
export const noon = 1_780_315_200

/** What a run came to. */
export interface Outcome {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** A folder in which the program runs. */
export interface Place {
  readonly cwd: string
  run(line: string, changes?: Partial<Surroundings>): Promise<Outcome>
  /** As `run`, with words that may have spaces. */
  type(words: readonly string[], changes?: Partial<Surroundings>): Promise<Outcome>
  /** The path of a file in the folder. */
  path(name: string): string
}

/** Creates a folder; it is removed when the test has ended. */
export function createPlace(): Place {
  const cwd = mkdtempSync(join(tmpdir(), 'countersign-'))
  onTestFinished(() => rmSync(cwd, { recursive: true }))
  return {
    cwd,
    path: (name) => join(cwd, name),
    run: (line, changes) => type(line.split(' ').filter(Boolean), changes),
    type,
  }

  async function type(
    words: readonly string[],
    changes: Partial<Surroundings> = {},
  ): Promise<Outcome> {
    const printed = { stdout: '', stderr: '' }
    const exitCode = await runProgram(words, {
      stdout: { write: (text) => (printed.stdout += text) },
      stderr: { write: (text) => (printed.stderr += text) },
      env: { LANG: 'C.UTF-8' },
      cwd,
      isTerminal: false,
      columns: 80,
      now: () => noon,
      waitForEnd: () => Promise.resolve(),
      ...changes,
    })
    return { exitCode, ...printed }
  }
}

/** Replaces what is another one at each run: keys, their names, thumbprints, the folder. */
export function makeStable(text: string, { cwd }: Place): string {
  return text
    .replaceAll(cwd, '<folder>')
    .replace(/-----BEGIN PUBLIC KEY-----[\s\S]*?-----END PUBLIC KEY-----/g, '<PEM>')
    .replace(/\{"keys":\[.*\]\}/g, (set) => `<JWK Set: ${readMembers(set)}>`)
    .replace(/\b[0-9A-F]{40}\b/g, '<SHA-1>')
    .replace(/(?<![\w-])[\w-]{43}(?![\w-])/g, '<SHA-256>')
}

function readMembers(text: string): string {
  const { keys }: { keys: readonly Record<string, unknown>[] } = JSON.parse(text)
  return keys
    .map((jwk) => `${jwk['alg'] ?? jwk['crv']} ${Object.keys(jwk).sort().join(' ')}`)
    .join()
}
