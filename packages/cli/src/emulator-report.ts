/**
 * What an emulator says while it runs: who it is, which rule was broken, and what else went on. For people
 * in lines of text, for programs in lines of JSON.
 *
 * @module
 */

import type { Refusal } from '@countersign/testing'
import { createPaint } from './paint.ts'
import { hasUnicode, type Surroundings } from './surroundings.ts'
import { clean } from './wrap.ts'

/** An emulator that is ready. */
export interface ReadyEmulator {
  /** The provider's name in `OIDC_PROVIDER`. */
  readonly provider: string | undefined
  readonly title: string
  readonly issuer: string
  readonly clientId: string
  /** In which form the client is known. */
  readonly registeredBy: string
  readonly redirectUris: readonly string[]
  /** The names of those who can sign in. */
  readonly accounts: readonly string[]
  /** What else people should know, by its label. */
  readonly notes: readonly (readonly [label: string, text: string])[]
}

/** Where an emulator says something. */
export interface EmulatorReport {
  /** Says that it can be used. */
  sayReady(emulator: ReadyEmulator): void
  /** Says a line of its log, with the rule of the provider that was broken, if one was. */
  sayLine(line: string, refusal: Refusal | undefined): void
}

/** Creates what people read. */
export function createTextReport(surroundings: Surroundings): EmulatorReport {
  const paint = createPaint(surroundings)
  const marks = hasUnicode(surroundings) ? { well: '✔', broken: '✖' } : { well: '+', broken: 'x' }
  const say = (line: string) => void surroundings.stdout.write(`${line}\n`)
  return {
    sayReady({ title, issuer, clientId, registeredBy, redirectUris, accounts, notes }) {
      const names = new Intl.ListFormat('en', { type: 'disjunction' }).format(accounts)
      const rows: readonly (readonly [label: string, text: string])[] = [
        ['Issuer', issuer],
        ['Client', `${clientId}, by ${registeredBy}`],
        ['Back to', redirectUris.join(', ')],
        ['Sign in as', `${names} (no password)`],
        ...notes,
      ]
      say(`\n  ${paint.green(marks.well)} ${paint.bold(clean(title))} is on this machine\n`)
      for (const [label, text] of rows) say(`    ${paint.dim(label.padEnd(12))}${clean(text)}`)
      say(`\n    ${paint.dim('Ctrl+C to stop. What it refuses is told below.')}\n`)
    },
    sayLine(line, refusal) {
      // Much that goes wrong breaks no rule, such as a code that does not exist: the doctor asks with one
      const isMarked = refusal !== undefined || isRefusedClient(line)
      const text = clean(line)
      say(isMarked ? `    ${paint.red(marks.broken)} ${text}` : `      ${paint.dim(text)}`)
    },
  }
}

/** Creates what programs read: an object in each line, with its `type`. */
export function createJsonReport({ stdout }: Surroundings): EmulatorReport {
  // On one line, whoever reads it
  const say = (value: object) => void stdout.write(`${clean(JSON.stringify(value))}\n`)
  return {
    sayReady: ({ title: _title, notes: _notes, ...emulator }) =>
      say({ type: 'ready', ...emulator }),
    sayLine(line, refusal) {
      if (refusal) say({ type: 'refusal', ...refusal })
      else say({ type: isRefusedClient(line) ? 'refusal' : 'log', message: line })
    },
  }
}

/** Whether a provider that is none in particular has refused an assertion. Its rules have no names. */
function isRefusedClient(line: string): boolean {
  return /^[a-z_]+: invalid_client: /.test(line)
}
