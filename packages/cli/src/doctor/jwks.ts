/**
 * Whether our JWK Set can be read where providers read it, has the key that signs, and has no private
 * one.
 *
 * @see RFC 7517, 5
 *
 * @module
 */

import { calculateThumbprint, type PublicJwk, type Signer } from '@countersign/core/keys'
import type { Examination } from './examination.ts'
import { fault, type Problem, type Result, skip } from './finding.ts'
import { describeNetworkFailure } from './network-failure.ts'
import { isObject, parseJson, shorten } from './untrusted.ts'
import { type Answer, visit } from './visit.ts'

/** What only the owner of a key may have. @see RFC 7518, 6.2.2, 6.3.2, 6.4.1 */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** Seconds for which a JWK Set may be kept before a rotation takes too long. */
const longestAge = 86_400

type Jwk = Readonly<Record<string, unknown>>

/** Reads our JWK Set, as a provider does. */
export async function examineJwks(examination: Examination): Promise<Result> {
  const { inspection, milliseconds } = examination
  const { jwksUrl, preset } = inspection
  if (jwksUrl === undefined) return skip('the app publishes no keys: its route is off')
  const published = await inspection.publishedKeys().catch(() => undefined)
  if (published?.length === 0) return skip('the app has no key to publish')
  const isRead = preset === undefined || preset.registration.forms.includes('jwks_uri')
  let answer: Answer
  try {
    answer = await visit(jwksUrl, { headers: { accept: 'application/json' }, milliseconds })
  } catch (error) {
    const failure = describeNetworkFailure(error)
    if (!isRead) return skip(`${preset.title} takes no JWKS URL, and the app does not answer`)
    const isDown = failure.code === 'ECONNREFUSED'
    return fault(isDown ? 'warning' : 'broken', `${jwksUrl} cannot be read: ${failure.seen}`, {
      means: isDown
        ? 'The app does not run. A provider that reads the keys there cannot, either.'
        : failure.means,
      fix: isDown ? 'Start the app, and run the doctor again.' : failure.fix,
    })
  }
  const result = await examineAnswer(examination, jwksUrl, answer)
  return isRead ? result : soften(result, preset.title)
}

async function examineAnswer(
  examination: Examination,
  jwksUrl: string,
  { status, headers, body }: Answer,
): Promise<Result> {
  const set = parseJson(body)
  const fix =
    'Look at what answers there: the route may be another one, or something stands before the app.'
  if (status !== 200) {
    const redirect = status >= 300 && status < 400
    const what = redirect
      ? `with a redirect to ${shorten(headers.location ?? 'nowhere')}`
      : `${status}`
    const means =
      'Providers follow no redirect, sign in nowhere, and take no other answer than 200.'
    return fault('broken', `${jwksUrl} answers ${what}`, { means, fix })
  }
  if (!isObject(set) || !Array.isArray(set['keys']) || !set['keys'].every(isObject)) {
    const type = headers['content-type']?.split(';', 1)[0]
    const what = /^\s*</.test(body) ? 'a web page (HTML)' : `${type ?? 'something else'}`
    const means = 'A provider finds no key there: invalid_client.'
    return fault('broken', `${jwksUrl} answers with ${what}, not with a JWK Set`, { means, fix })
  }
  const keys: readonly Jwk[] = set['keys']
  const kids = keys.map(({ kid }) => kid)
  const facts = { url: jwksUrl, kids, cacheControl: headers['cache-control'] ?? null }
  // That there is none is told by the check of the key
  const signer = await examination.signer().catch(() => undefined)
  const problems = [
    ...findPrivate(keys),
    ...(signer ? findMissing(signer.signer, keys) : []),
    ...findAge(headers['cache-control']),
  ]
  const count = keys.length === 1 ? 'one key' : `${keys.length} keys`
  if (problems.length > 0) return { seen: `${jwksUrl} has ${count}`, facts, problems }
  if (!signer) return { seen: `${jwksUrl} has ${count}; which one signs is not known`, facts }
  return { seen: `${jwksUrl} has the key that signs`, facts }
}

function* findPrivate(keys: readonly Jwk[]): Generator<Problem> {
  const found = keys.flatMap((key) => {
    const names = privateMembers.filter((name) => name in key)
    return names.length === 0 ? [] : [`key ${show(key['kid'])} shows its ${names.join(', ')}`]
  })
  if (found.length === 0) return
  yield {
    severity: 'broken',
    what: found,
    means:
      'The private key is public: whoever read it can sign in as this app, wherever it is registered.',
    fix: 'Take it down now, make a new key, and remove the old one at the provider.',
  }
}

function findMissing(key: Signer, keys: readonly Jwk[]): readonly Problem[] {
  if (keys.some(({ kid }) => kid === key.kid)) return []
  const thumbprint = calculateThumbprint(key.publicJwk)
  const other = keys.find((jwk) => readThumbprint(jwk) === thumbprint)
  const what = other
    ? `the key that signs is there as ${show(other['kid'])}, and signs as "${key.kid}"`
    : `the key that signs, "${key.kid}", is not among ${keys.map(({ kid }) => show(kid)).join(', ') || 'none'}`
  return [
    {
      severity: 'broken',
      what: [what],
      means: 'The provider does not find the key that an assertion names: invalid_client.',
      fix: 'Compare OIDC_CLIENT_KEY of the app with the one here, and restart the app if it changed.',
    },
  ]
}

function readThumbprint(jwk: Jwk): string | undefined {
  try {
    return calculateThumbprint(jwk as unknown as PublicJwk)
  } catch {
    return undefined
  }
}

function* findAge(cacheControl: string | undefined): Generator<Problem> {
  const age = Number(/(?:^|[\s,])max-age=(\d+)/i.exec(cacheControl ?? '')?.[1] ?? 0)
  if (age > longestAge) {
    yield {
      severity: 'warning',
      what: [`it may be kept for ${Math.round(age / 3600)} hours (max-age=${age})`],
      means: 'A new key must have been published for longer than that before it signs.',
      fix: 'Have whatever sets Cache-Control there keep it for minutes: the app itself says 300 s.',
    }
  }
}

/** What is wrong at a URL that the provider does not read. What is secret stays so. */
function soften(result: Result, title: string): Result {
  const problems = result.problems?.map((problem): Problem => {
    if (problem.means?.startsWith('The private key')) return problem
    return {
      ...problem,
      severity: 'warning',
      means: `${title} takes no JWKS URL, so that logins work nevertheless.`,
    }
  })
  return problems ? { ...result, problems } : result
}

function show(kid: unknown): string {
  return kid === undefined ? 'one without a kid' : shorten(JSON.stringify(kid) ?? '', 60)
}
