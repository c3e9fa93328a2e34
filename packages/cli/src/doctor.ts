/**
 * `countersign doctor`: whether the key, the configuration and the registration fit, before any
 * End-User sees an error.
 *
 * @module
 */

import { performance } from 'node:perf_hooks'
import { Command, InvalidArgumentError } from 'commander'
import { examine } from './doctor/examine.ts'
import type { Finding, Outcome } from './doctor/finding.ts'
import { createReport } from './doctor/report.ts'
import { readEnvironment, readGlobalOptions } from './environment.ts'
import { CommandError } from './failure.ts'
import { createPaint, escapeControls } from './paint.ts'
import type { Surroundings } from './surroundings.ts'

interface DoctorOptions {
  readonly probe: boolean
  readonly timeout: number
}

/** Creates the command. It ends with 0 when all is well, with 1 after warnings, and with 2 otherwise. */
export function createDoctorCommand(surroundings: Surroundings): Command {
  return new Command('doctor')
    .description('Look whether the key, the configuration and the registration fit.')
    .option(
      '--probe',
      'ask the provider whether it knows the key, with a code that cannot exist',
      false,
    )
    .option('--timeout <seconds>', 'how long one request may take', readSeconds, 5)
    .action(async (options: DoctorOptions, command: Command) => {
      await runDoctor(surroundings, options, command)
    })
}

async function runDoctor(
  surroundings: Surroundings,
  { probe, timeout }: DoctorOptions,
  command: Command,
): Promise<void> {
  const { envFile, json, verbose } = readGlobalOptions(command)
  const { stdout } = surroundings
  const env = readEnvironment(surroundings, envFile)
  const started = performance.now()
  const report = createReport(surroundings, { isVerbose: verbose })
  if (!json) stdout.write(buildHead(surroundings))
  const findings: Finding[] = []
  const settings = { env, milliseconds: timeout * 1000, isProbed: probe }
  for await (const finding of examine(surroundings, settings)) {
    findings.push(finding)
    if (!json && !isBlocked(finding, findings)) stdout.write(report.buildFinding(finding))
  }
  const seconds = (performance.now() - started) / 1000
  const outcome = findOutcome(findings)
  if (json) {
    const text = JSON.stringify(
      { outcome, seconds: Number(seconds.toFixed(3)), checks: findings },
      undefined,
      2,
    )
    stdout.write(`${escapeControls(text)}\n`)
  } else {
    stdout.write(report.buildSummary(findings, { seconds, hint: findHint(findings, probe) }))
  }
  if (outcome !== 'well') {
    throw new CommandError(undefined, { exitCode: outcome === 'warning' ? 1 : 2 })
  }
}

function buildHead(surroundings: Surroundings): string {
  return `\n  ${createPaint(surroundings).bold('Countersign doctor')}\n\n`
}

/** Whether a check was not made for want of a configuration: that is said once, and not of each. */
function isBlocked({ outcome }: Finding, [configuration]: readonly Finding[]): boolean {
  return outcome === 'skipped' && configuration?.outcome === 'broken'
}

function findOutcome(findings: readonly Finding[]): Outcome {
  const outcomes = findings.map(({ outcome }) => outcome)
  if (outcomes.includes('broken')) return 'broken'
  return outcomes.includes('warning') ? 'warning' : 'well'
}

/** That the provider itself can be asked is worth knowing where nothing else is in the way. */
function findHint(findings: readonly Finding[], isProbed: boolean): string | undefined {
  if (findings[0]?.outcome === 'broken')
    return 'The other checks need a configuration that can work.'
  const isReady = findings.some(({ id, outcome }) => id === 'discovery' && outcome === 'well')
  if (isProbed || !isReady) return undefined
  return 'Whether the provider knows the key: countersign doctor --probe'
}

function readSeconds(text: string): number {
  const seconds = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (seconds >= 0.1 && seconds <= 60) return seconds
  throw new InvalidArgumentError('must be seconds, from 0.1 to 60.')
}
