/**
 * The checks, what each needs of the others, and their run: side by side, told in their order.
 *
 * @module
 */

import { setTimeout } from 'node:timers/promises'
import { ConfigurationError, OidcError } from '@countersign/core'
import type { Inspection } from '@countersign/core/inspection'
import type { Environment } from '../environment.ts'
import type { Surroundings } from '../surroundings.ts'
import { examineAssertion } from './assertion.ts'
import { examineAlgorithm, examineMethod } from './client-authentication.ts'
import { examineClock } from './clock.ts'
import {
  type Configuration,
  type ConfigurationSetting,
  examineConfiguration,
} from './configuration.ts'
import { examineCookies } from './cookies.ts'
import { examineDiscovery } from './discovery.ts'
import { createExamination, type Examination } from './examination.ts'
import { buildFinding, type CheckId, type Finding, fault, type Result, skip } from './finding.ts'
import { examineJwks } from './jwks.ts'
import { examineKey } from './key.ts'
import { examineProbe } from './probe.ts'
import { examineRedirectUri } from './redirect-uri.ts'
import { examineStore } from './store.ts'
import { shorten } from './untrusted.ts'

/** What is to be looked at, and how. */
export interface ExamineOptions {
  readonly env: Environment
  /** How long one request may take. */
  readonly milliseconds: number
  /** Whether the provider is asked with a code that cannot exist. */
  readonly isProbed: boolean
}

interface Check {
  readonly id: CheckId
  /** Those that must not be broken, or skipped. */
  readonly needs: readonly CheckId[]
  readonly examine: (examination: Examination) => Promise<Result>
}

const checks: readonly Check[] = [
  { id: 'discovery', needs: [], examine: examineDiscovery },
  { id: 'clock', needs: [], examine: examineClock },
  { id: 'authentication-method', needs: ['discovery'], examine: examineMethod },
  { id: 'algorithm', needs: ['discovery', 'key'], examine: examineAlgorithm },
  { id: 'key', needs: [], examine: examineKey },
  { id: 'assertion', needs: ['discovery', 'key'], examine: examineAssertion },
  { id: 'jwks', needs: [], examine: examineJwks },
  { id: 'redirect-uri', needs: [], examine: examineRedirectUri },
  { id: 'cookies', needs: ['redirect-uri'], examine: examineCookies },
]

const probe: Check = { id: 'probe', needs: ['discovery'], examine: examineProbe }

/** Requests that a check may make one after the other, retries included. */
const requestsInTurn = 4

/** Makes every check, and tells each finding as soon as those before it are told. */
export async function* examine(
  surroundings: Surroundings,
  { env, milliseconds, isProbed }: ExamineOptions,
): AsyncGenerator<Finding> {
  const configuration = readConfiguration({ env, cwd: surroundings.cwd, milliseconds })
  const { inspection, result } = configuration
  try {
    yield buildFinding('configuration', result)
    const limit = milliseconds * requestsInTurn
    const store = run('store', limit, () =>
      examineStore({ env, cwd: surroundings.cwd, milliseconds }),
    )
    const all = isProbed ? [...checks, probe] : checks
    const examination = inspection && createExamination(inspection, surroundings, { milliseconds })
    const findings = startChecks(all, examination, limit)
    for (const { id } of checks) yield (await findings.get(id)) ?? never(id)
    yield await store
    if (isProbed) yield (await findings.get('probe')) ?? never('probe')
  } finally {
    if (inspection) await close(inspection, milliseconds)
  }
}

/** What hangs holds nobody up. */
async function close(inspection: Inspection, milliseconds: number): Promise<void> {
  const ended = new AbortController()
  const { signal } = ended
  try {
    await Promise.race([inspection.close(), setTimeout(milliseconds, undefined, { signal })])
  } finally {
    ended.abort()
  }
}

function readConfiguration(setting: ConfigurationSetting): Configuration {
  try {
    return examineConfiguration(setting)
  } catch (error) {
    if (error instanceof ConfigurationError) throw error
    return { result: describeFailure(error) }
  }
}

function startChecks(
  all: readonly Check[],
  examination: Examination | undefined,
  limit: number,
): ReadonlyMap<CheckId, Promise<Finding>> {
  const findings = new Map<CheckId, Promise<Finding>>()

  async function make({ id, needs, examine }: Check): Promise<Finding> {
    if (!examination) return buildFinding(id, skip('the configuration cannot work'))
    const needed = await Promise.all(all.filter((each) => needs.includes(each.id)).map(start))
    const failed = needed.find(({ outcome }) => outcome === 'broken' || outcome === 'skipped')
    if (failed) return buildFinding(id, skip(describeNeed(failed)))
    return await run(id, limit, () => examine(examination))
  }

  function start(check: Check): Promise<Finding> {
    const finding = findings.get(check.id) ?? make(check)
    findings.set(check.id, finding)
    return finding
  }

  for (const check of all) void start(check)
  return findings
}

function describeNeed({ outcome, title, seen }: Finding): string {
  return outcome === 'skipped' ? seen : `see ${title}`
}

/** Runs one check. It always ends, and always in time. */
async function run(id: CheckId, limit: number, examine: () => Promise<Result>): Promise<Finding> {
  const ended = new AbortController()
  const { signal } = ended
  try {
    const late = setTimeout(limit, undefined, { signal }).then(() =>
      fault('broken', `no answer within ${limit / 1000} s`, {
        means: 'What was asked hangs.',
        fix: 'Look at the network; --timeout gives each request more seconds.',
      }),
    )
    return buildFinding(id, await Promise.race([examine(), late]))
  } catch (error) {
    return buildFinding(id, describeFailure(error))
  } finally {
    ended.abort()
  }
}

function describeFailure(error: unknown): Result {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof OidcError) {
    return fault('broken', shorten(message), {
      means: `The app fails with ${error.code}.`,
      fix: 'Read docs/errors.md at this code.',
    })
  }
  return fault('broken', `the check itself failed: ${shorten(message)}`, {
    means: 'This was not expected.',
    fix: 'Report it, with this line.',
  })
}

function never(id: CheckId): never {
  throw new TypeError(`there is no check "${id}"`)
}
