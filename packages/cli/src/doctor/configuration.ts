/**
 * Whether the configuration can work, and whether it is what a careful person would set.
 *
 * @module
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigurationError, type Options, optionsFromEnv } from '@countersign/core'
import { type Inspection, inspect } from '@countersign/core/inspection'
import { isLoopback } from '@countersign/core/keys'
import type { Environment } from '../environment.ts'
import type { Problem, Result } from './finding.ts'
import { isFormPosted, unkeepable } from './form-post.ts'
import { findNodeFault } from './node-version.ts'
import { findWeakness } from './secret-strength.ts'

/** A configuration that was looked at. */
export interface Configuration {
  readonly result: Result
  /** The app; `undefined` where it would not start. */
  readonly inspection?: Inspection
}

/** Where a configuration is read. */
export interface ConfigurationSetting {
  readonly env: Environment
  /** The folder of the app. */
  readonly cwd: string
  readonly milliseconds: number
  /** The version of Node. */
  readonly node?: string
}

/** Reads the configuration. */
export function examineConfiguration({
  env,
  cwd,
  milliseconds,
  node = process.versions.node,
}: ConfigurationSetting): Configuration {
  const nodeFaults = [...findNodeFault(node, cwd)]
  let inspection: Inspection
  try {
    const options: Options = optionsFromEnv(env)
    inspection = inspect({ ...options, http: { ...options.http, timeout: milliseconds / 1000 } })
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    return { result: describeFaults(error, describeFix(env, cwd), nodeFaults) }
  }
  const { preset, clientId, clientAuth, issuer, baseUrl } = inspection
  const by = preset ? `${preset.title}, ` : ''
  return {
    inspection,
    result: {
      seen: `${by}client "${clientId}" with ${clientAuth}, at ${baseUrl}`,
      problems: [
        ...nodeFaults,
        ...findWeakSecrets(env),
        ...findUnreachable(inspection),
        ...findDevelopment(env, baseUrl),
        ...findUnkeepable(inspection),
      ],
      facts: {
        provider: preset?.name ?? null,
        issuer,
        clientId,
        clientAuth,
        baseUrl,
        // By the scheme of the base URL, whatever a proxy says
        cookies: baseUrl.startsWith('https:') ? 'Secure, for this host alone' : 'not Secure',
        sessionSecrets: readSecrets(env).length,
      },
    },
  }
}

/** Variables that nobody gave are most often in the file that was not named. */
function describeFix(env: Environment, cwd: string): string {
  const isSet = Object.entries(env).some(([name, value]) => name.startsWith('OIDC_') && value)
  if (isSet || !existsSync(join(cwd, '.env'))) {
    return 'Correct the environment (or the --env-file), and run the doctor again.'
  }
  return 'There is a .env here, and nothing reads it by itself: add "--env-file .env" (or "-e .env").'
}

function describeFaults(
  { issues }: ConfigurationError,
  fix: string,
  others: readonly Problem[],
): Result {
  const count = issues.length === 1 ? 'a fault' : `${issues.length} faults`
  return {
    seen: `${count}: the app does not start`,
    problems: [
      {
        severity: 'broken',
        what: issues.map(({ path, message }) => `${path}: ${message}`),
        fix,
      },
      ...others,
    ],
    facts: { issues },
  }
}

/** The first one seals; the others still open. */
function readSecrets(env: Environment): readonly string[] {
  return (env['OIDC_SESSION_SECRET'] ?? '').split(',').map((part) => part.trim())
}

function* findWeakSecrets(env: Environment): Generator<Problem> {
  const secrets = readSecrets(env)
  const what = secrets.flatMap((secret, index) => {
    const weakness = findWeakness(secret)
    if (weakness === undefined) return []
    const which = secrets.length === 1 ? '' : `secret ${index + 1} of `
    return [`${which}OIDC_SESSION_SECRET ${weakness}`]
  })
  if (what.length === 0) return
  yield {
    severity: 'warning',
    what,
    means: 'Who guesses it can make a session of anybody.',
    fix: 'Make one with "openssl rand -hex 32".',
  }
}

/** A provider elsewhere cannot read keys from this machine. */
function* findUnreachable({ preset, issuer, baseUrl, jwksUrl }: Inspection): Generator<Problem> {
  if (jwksUrl === undefined || !isLocal(baseUrl) || isLocal(issuer)) return
  if (preset && preset.registration.forms[0] !== 'jwks_uri') return
  yield {
    severity: 'warning',
    what: [`OIDC_BASE_URL is ${baseUrl}, and the provider is elsewhere`],
    means: `It cannot read the keys at ${jwksUrl}, nor send logouts there.`,
    fix: 'Register the key itself for development: npx countersign jwks prints it.',
  }
}

function* findDevelopment(env: Environment, baseUrl: string): Generator<Problem> {
  if (env['NODE_ENV'] !== 'production' || !baseUrl.startsWith('http:')) return
  yield {
    severity: 'warning',
    what: [`NODE_ENV is production, and OIDC_BASE_URL is ${baseUrl}`],
    means: 'Cookies are not Secure, and browsers elsewhere cannot come back from the provider.',
    fix: 'Set OIDC_BASE_URL to the https URL that people see in their browser.',
  }
}

/** A login whose answer is posted from another site. */
function* findUnkeepable({ preset, baseUrl }: Inspection): Generator<Problem> {
  if (!isFormPosted(preset) || !baseUrl.startsWith('http:')) return
  yield {
    severity: 'warning',
    what: [`OIDC_BASE_URL is ${baseUrl}, and ${preset?.title} answers with a form (form_post)`],
    ...unkeepable,
  }
}

function isLocal(url: string): boolean {
  return isLoopback(new URL(url))
}
