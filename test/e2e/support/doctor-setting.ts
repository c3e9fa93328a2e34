/**
 * What the doctor looks at when all is well: a provider that knows the key, an app that runs with it, and
 * the environment of both.
 *
 * @module
 */

import { randomBytes } from 'node:crypto'
import { optionsFromEnv } from '@countersign/core'
import { generateClientKey } from '@countersign/testing'
import type { Surroundings } from 'countersign'
import { type App, startApp } from '../../support/app.ts'
import { express5App } from '../../support/apps/express.ts'
import { type Double, startDouble } from '../../support/provider-double.ts'
import { compareReports, type Environment, type Run, runCommand, settle } from './doctor-run.ts'

type Others = Partial<Surroundings>

/** A provider, an app, and what both are told. */
export interface DoctorSetting {
  readonly provider: Double
  readonly app: App
  readonly env: Environment
  readonly kid: string
  readonly privateKeyPem: string
  /** Runs the doctor with changes of the environment. */
  run(changes?: Environment, flags?: readonly string[], others?: Others): Promise<Run>
  /** Runs the doctor, and answers with its exit code and all that it says otherwise than if all is well. */
  examine(changes?: Environment, flags?: readonly string[], others?: Others): Promise<string>
  /** What it printed, the same in every run. */
  settle(text: string): string
  close(): Promise<void>
}

/** Starts a setting in which all is well. */
export async function startDoctorSetting(): Promise<DoctorSetting> {
  const provider = await startDouble()
  const { privateKeyPem, jwks, kid } = await generateClientKey('ES256')
  provider.registerClient({ clientId: 'app', jwks: { keys: [...jwks.keys] } })
  const secrets = {
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: 'app',
    OIDC_CLIENT_KEY: privateKeyPem,
    OIDC_SESSION_SECRET: randomBytes(32).toString('hex'),
  }
  const app = await startApp(express5App, {
    options: (baseUrl) => optionsFromEnv({ ...secrets, OIDC_BASE_URL: baseUrl }),
  })
  const env = { ...secrets, OIDC_BASE_URL: app.url }
  const names = {
    [provider.issuer]: 'http://provider',
    [app.url]: 'http://app',
    [kid]: '<kid>',
  }
  const settleAll = (text: string) => settle(text, names)
  const run: DoctorSetting['run'] = (changes = {}, flags = [], others = {}) =>
    runCommand(['doctor', ...flags], { ...env, ...changes }, others)
  const healthy = settleAll((await run()).stdout)
  const healthyProbe = settleAll((await run({}, ['--probe'])).stdout)
  return {
    provider,
    app,
    env,
    kid,
    privateKeyPem,
    run,
    async examine(changes, flags = [], others = {}) {
      const { code, stdout, stderr } = await run(changes, flags, others)
      const base = flags.includes('--probe') ? healthyProbe : healthy
      return `exit code ${code}\n${stderr}${compareReports(settleAll(stdout), base)}`
    },
    settle: settleAll,
    async close() {
      await app.close()
      await provider.close()
    },
  }
}
