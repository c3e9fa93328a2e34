/**
 * Options that are good, for tests that make one of them bad.
 *
 * @module
 */

import { type Config, checkOptions, readConfig } from '../../src/config.ts'
import type { ConfigurationIssue } from '../../src/errors.ts'
import type { Options } from '../../src/options.ts'
import { generateEc, toPem } from '../keys/support/keys.ts'

/** A secret that is long enough. */
export const secret = 'a session secret for tests, and for nothing but tests'

/** A key's PEM, made for this run. */
export const pem: string = toPem(generateEc())

const context = { clock: { now: () => 1_700_000_000 }, emit: () => {} }

/** Builds good options; each call makes new ones. */
export function buildOptions(overrides: Readonly<Record<string, unknown>> = {}): Options {
  const options = {
    issuer: 'https://op.example',
    clientId: 'app',
    clientKey: pem,
    baseUrl: 'https://app.example',
    session: { secret },
    ...overrides,
  }
  // What overrides make of them is the subject: they come from JavaScript, where nothing is typed
  return options as Options
}

/** The faults of options that differ from good ones in this. */
export function findFaults(
  overrides: Readonly<Record<string, unknown>>,
): readonly ConfigurationIssue[] {
  const checked = checkOptions(buildOptions(overrides), context)
  return 'issues' in checked ? checked.issues : []
}

/** The configuration of options that differ from good ones in this. */
export function configure(overrides: Readonly<Record<string, unknown>> = {}): Config {
  return readConfig(buildOptions(overrides), context)
}
