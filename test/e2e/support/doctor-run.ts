/**
 * Commands as people run them, and what they say without what differs from run to run.
 *
 * @module
 */

import { runProgram, type Surroundings } from 'countersign'

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** How a run ended. */
export interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** Milliseconds. */
  readonly took: number
}

/** Runs a command in an environment, as if nobody looked at a terminal. */
export async function runCommand(
  argv: readonly string[],
  env: Environment,
  others: Partial<Surroundings> = {},
): Promise<Run> {
  let stdout = ''
  let stderr = ''
  const started = performance.now()
  const code = await runProgram(argv, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    env: { LANG: 'C.UTF-8', ...env },
    cwd: import.meta.dirname,
    isTerminal: false,
    columns: 100,
    now: () => Date.now() / 1000,
    waitForEnd: () => Promise.resolve(),
    ...others,
  })
  return { code, stdout, stderr, took: performance.now() - started }
}

/** Text with names in place of values, and without what differs from run to run. */
export function settle(text: string, names: Readonly<Record<string, string>> = {}): string {
  const named = Object.entries(names).reduce(
    (settled, [value, name]) => settled.replaceAll(value, name),
    text,
  )
  return named
    .replace(/\bin \d+(?:\.\d+)? m?s\b/g, 'in <time>')
    .replace(/\bclock is [\d.]+ s\b/g, 'clock is <time>')
    .replace(/\bkid "[\w-]{20}…"/g, 'kid "<kid>"')
    .replace(/"jti":( ?)"[^"]+"/g, '"jti":$1"<jti>"')
    .replace(/"(iat|nbf|exp)":( ?)\d+/g, '"$1":$2"<moment>"')
    .replace(/"(\w*Milliseconds|seconds|skew)": -?[\d.]+/g, '"$1": "<time>"')
    .replace(/\b(\w+Milliseconds|skew): -?[\d.]+/g, '$1: <time>')
    .replace(/ +$/gm, '')
}

/** A report in parts: its head, each finding by its title, and its summary. */
interface Report {
  readonly findings: ReadonlyMap<string, string>
  readonly summary: string
}

const finding = /^ {2}[✔!✖–] (.{15}).*\n(?: {19}.*\n)*/gmu

function readReport(text: string): Report {
  const blocks = [...text.matchAll(finding)]
  const findings = new Map(blocks.map(([block, title = '']) => [title.trim(), block]))
  const summary = text.replace(finding, '').replace(/^\n {2}Countersign doctor\n/, '')
  return { findings, summary }
}

/**
 * All of a report but the findings that are the same in another one. What is the same in both may not be
 * in another order, or told twice.
 */
export function compareReports(text: string, healthy: string): string {
  const [report, other] = [readReport(text), readReport(healthy)]
  const titles = [...report.findings.keys()]
  const expected = [...other.findings.keys()]
  if (titles.join() !== expected.join()) throw new Error(`these are told: ${titles}`)
  const changed = titles
    .map((title) => report.findings.get(title) ?? '')
    .filter((block) => ![...other.findings.values()].includes(block))
  return [...changed, report.summary.trim()].join('')
}
