/**
 * Whether our JWK Set can be read where providers read it, and is what it should be.
 *
 * @see RFC 7517, 5
 *
 * @module
 */

import type { Examination } from './examination.ts'
import { fault, type Problem, type Result, skip } from './finding.ts'
import { findSetFaults, type OwnKeys, type SetFault } from './jwks-faults.ts'
import { describeNetworkFailure } from './network-failure.ts'
import { isObject, parseJson, shorten } from './untrusted.ts'
import { type Answer, visit } from './visit.ts'

/** Seconds for which a JWK Set may be kept before a rotation takes too long. */
const longestAge = 86_400

/** Reads our JWK Set, as a provider does. */
export async function examineJwks(examination: Examination): Promise<Result> {
  const { inspection, milliseconds } = examination
  const { jwksUrl, preset, baseUrl } = inspection
  if (jwksUrl === undefined) return skip('the app publishes no keys: its route is off')
  const published = await inspection.publishedKeys().catch(() => undefined)
  if (published?.length === 0) return skip('the app has no key to publish')
  const isRead = preset === undefined || preset.registration.forms.includes('jwks_uri')
  let answer: Answer
  try {
    answer = await visit(jwksUrl, { headers: { accept: 'application/json' }, milliseconds })
  } catch (error) {
    const failure = describeNetworkFailure(error)
    if (!isRead) {
      return skip(
        `${preset.title} takes no JWKS URL, and ${jwksUrl} cannot be read: ${failure.seen}`,
      )
    }
    const isDown = failure.code === 'ECONNREFUSED'
    return fault(isDown ? 'warning' : 'broken', `${jwksUrl} cannot be read: ${failure.seen}`, {
      means: isDown
        ? 'The app does not run. A provider that reads the keys there cannot, either.'
        : failure.means,
      fix: isDown ? 'Start the app, and run the doctor again.' : failure.fix,
    })
  }
  // That there is none is told by the check of the key
  const signer = await examination.signer().catch(() => undefined)
  const weigh = (found: SetFault) =>
    isRead ? found.problem : soften(found, { title: preset.title, baseUrl })
  return examineAnswer({ jwksUrl, weigh }, answer, { signer: signer?.signer, published })
}

function examineAnswer(
  { jwksUrl, weigh }: { readonly jwksUrl: string; weigh(found: SetFault): Problem },
  { status, headers, body }: Answer,
  ours: OwnKeys,
): Result {
  const set = parseJson(body)
  const fix =
    'Look at what answers there: the route may be another one, or something stands before the app.'
  const build = (seen: string, means: string): Result => ({
    seen,
    problems: [weigh({ concerns: 'readers', problem: { severity: 'broken', means, fix } })],
  })
  if (status !== 200) {
    const redirect = status >= 300 && status < 400
    const what = redirect
      ? `with a redirect to ${shorten(headers.location ?? 'nowhere')}`
      : `${status}`
    const means =
      'Providers follow no redirect, sign in nowhere, and take no other answer than 200.'
    return build(`${jwksUrl} answers ${what}`, means)
  }
  if (!isObject(set) || !Array.isArray(set['keys'])) {
    const type = headers['content-type']?.split(';', 1)[0]
    const what = /^\s*</.test(body) ? 'a web page (HTML)' : `${type ?? 'something else'}`
    const means = 'A provider finds no key there: invalid_client.'
    return build(`${jwksUrl} answers with ${what}, not with a JWK Set`, means)
  }
  const entries: readonly unknown[] = set['keys']
  const kids = entries.map((key) => (isObject(key) ? readText(key['kid']) : null))
  const facts = { url: jwksUrl, kids, cacheControl: headers['cache-control'] ?? null }
  const found = [...findSetFaults(entries, ours), ...findAge(headers['cache-control'])]
  const problems = found.map(weigh)
  const count = entries.length === 1 ? 'one key' : `${entries.length} keys`
  if (problems.length > 0) return { seen: `${jwksUrl} has ${count}`, facts, problems }
  if (!ours.signer) return { seen: `${jwksUrl} has ${count}; which one signs is not known`, facts }
  return { seen: `${jwksUrl} has the key that signs`, facts }
}

/** What is no text is not told: it may be anything, as deep as its author liked. */
function readText(untrusted: unknown): string | null {
  return typeof untrusted === 'string' ? shorten(untrusted) : null
}

function* findAge(cacheControl: string | undefined): Generator<SetFault> {
  const age = Number(/(?:^|[\s,])max-age=(\d+)/i.exec(cacheControl ?? '')?.[1] ?? 0)
  if (age > longestAge) {
    yield {
      concerns: 'readers',
      problem: {
        severity: 'warning',
        what: [`it may be kept for ${Math.round(age / 3600)} hours (max-age=${age})`],
        means: 'A new key must have been published for longer than that before it signs.',
        fix: 'Have whatever sets Cache-Control there keep it for minutes: the app itself says 300 s.',
      },
    }
  }
}

/** What a fault comes to where the provider does not read the set. */
function soften(
  { problem, concerns, ofApp }: SetFault,
  { title, baseUrl }: { readonly title: string; readonly baseUrl: string },
): Problem {
  if (concerns === 'everybody') return problem
  if (concerns === 'app') {
    const means = `The app that runs at ${baseUrl} ${ofApp}: its logins are not what was examined here.`
    return { ...problem, means }
  }
  const means = `${title} takes no JWKS URL, so that logins work nevertheless.`
  return { ...problem, severity: 'warning', means }
}
