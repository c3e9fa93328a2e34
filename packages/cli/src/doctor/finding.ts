/**
 * What a check of the doctor finds: data, for people and for programs alike.
 *
 * @module
 */

/** The checks, in the order in which they are told. The names are stable. */
export const checkIds = [
  'configuration',
  'discovery',
  'clock',
  'authentication-method',
  'algorithm',
  'key',
  'assertion',
  'jwks',
  'redirect-uri',
  'cookies',
  'store',
  'probe',
] as const

/** The name of a check. */
export type CheckId = (typeof checkIds)[number]

/** What people call the checks. */
export const titles: Readonly<Record<CheckId, string>> = {
  configuration: 'Configuration',
  discovery: 'Discovery',
  clock: 'Clock',
  'authentication-method': 'Authentication',
  algorithm: 'Algorithm',
  key: 'Key',
  assertion: 'Assertion',
  jwks: 'JWK Set',
  'redirect-uri': 'Redirect URI',
  cookies: 'Cookies',
  store: 'Session store',
  probe: 'Registration',
}

/** How a check ended. */
export type Outcome = 'well' | 'warning' | 'broken' | 'skipped'

/** Something that is not as it should be. */
export interface Problem {
  readonly severity: 'warning' | 'broken'
  /** What exactly was seen, one text each, where the finding's own line does not say it. */
  readonly what?: readonly string[]
  /** Lines that are shown as they are: a picture. */
  readonly picture?: readonly string[]
  readonly means?: string
  /** What to do. */
  readonly fix?: string
  /** The document that says so. */
  readonly source?: string | undefined
}

/** What a check found. */
export interface Result {
  /** What was seen, in a line; of a check that was skipped, because of what. */
  readonly seen: string
  readonly isSkipped?: boolean
  readonly problems?: readonly Problem[]
  /** What else a program, or a careful reader, may want to know. Never a secret. */
  readonly facts?: Readonly<Record<string, unknown>>
}

/** What a check found, with its name. */
export interface Finding {
  readonly id: CheckId
  readonly title: string
  readonly outcome: Outcome
  readonly seen: string
  readonly problems: readonly Problem[]
  readonly facts: Readonly<Record<string, unknown>>
}

/** Builds the result of a check that could not be made. */
export function skip(because: string): Result {
  return { seen: because, isSkipped: true }
}

/** Builds the result of a check that found one thing wrong. */
export function fault(
  severity: Problem['severity'],
  seen: string,
  problem: Omit<Problem, 'severity'>,
  facts?: Result['facts'],
): Result {
  return { seen, problems: [{ severity, ...problem }], ...(facts && { facts }) }
}

/** Names a result. */
export function buildFinding(
  id: CheckId,
  { seen, isSkipped = false, problems = [], facts = {} }: Result,
): Finding {
  const outcome = isSkipped ? 'skipped' : findWorst(problems)
  return { id, title: titles[id], outcome, seen, problems, facts }
}

function findWorst(problems: readonly Problem[]): Outcome {
  if (problems.some(({ severity }) => severity === 'broken')) return 'broken'
  return problems.length > 0 ? 'warning' : 'well'
}
