/**
 * Whether cookies of the size that a session may have get through to the app.
 *
 * @see RFC 6265, 6.1
 *
 * @module
 */

import { type Examination, navigation } from './examination.ts'
import { fault, type Result, skip } from './finding.ts'
import { describeNetworkFailure } from './network-failure.ts'
import { type Answer, visit } from './visit.ts'

/** What browsers keep of one cookie, and what our cookies may have together. */
const maxCookie = 4096
const maxCookies = 8192
/** How servers say that a request is too large; nginx has a status of its own. */
const tooLarge = [400, 413, 431, 494]

/** Looks at the cookies of a login, and sends as many as there may be. */
export async function examineCookies({
  inspection,
  loginAnswer,
  milliseconds,
}: Examination): Promise<Result> {
  const { loginUrl, baseUrl } = inspection
  if (loginUrl === undefined) return skip('the app has no login route')
  const first = await loginAnswer().catch(() => undefined)
  if (first === undefined) return skip('the app does not answer')
  const set = first.headers['set-cookie'] ?? []
  const largest = Math.max(0, ...set.map(({ length }) => length))
  const total = set.map((cookie) => cookie.split(';', 1)[0]?.length ?? 0).reduce((a, b) => a + b, 0)
  const facts = { cookies: set.length, largest, total }
  if (largest > maxCookie) {
    return fault(
      'broken',
      `a login sets a cookie of ${largest} bytes`,
      {
        means: `Browsers drop a cookie of more than ${maxCookie} bytes without a word: the login cannot end.`,
        fix: 'Look at what stands before the app and sets cookies; ours are never that large.',
      },
      facts,
    )
  }
  const isInsecure =
    baseUrl.startsWith('https:') && set.some((cookie) => !/;\s*secure/i.test(cookie))
  if (isInsecure) {
    return fault(
      'warning',
      'a login sets a cookie without Secure, and OIDC_BASE_URL is https',
      {
        means:
          'The app that runs there has another OIDC_BASE_URL, or something before it changes cookies.',
        fix: 'Give the app the OIDC_BASE_URL that is used here, and restart it.',
      },
      facts,
    )
  }
  const cookie = `doctor=${'c'.repeat(maxCookies - 'doctor='.length)}`
  let answer: Answer
  try {
    answer = await visit(loginUrl, { headers: { ...navigation, cookie }, milliseconds })
  } catch (error) {
    return describeClosed(error, facts)
  }
  const { status } = answer
  const all = { ...facts, status }
  if (status !== first.status) return describeOther(status, first.status, all)
  // A page to choose a provider on: no login has begun
  if (status === 200) return { seen: `${size} get through`, facts: all }
  return {
    seen: `a login sets ${total} bytes, and ${maxCookies / 1024} kB of cookies get through`,
    facts: all,
  }
}

const size = `${maxCookies / 1024} kB of cookies`
const limited = {
  means:
    'The app, or what stands before it, takes smaller headers than a session may need: some End-Users see this error at every page, and cannot even sign out.',
  fix: 'Raise the limit (nginx: large_client_header_buffers 4 16k; Node: --max-http-header-size), or keep sessions in a store.',
}

/** The same request without them had an answer. */
function describeClosed(error: unknown, facts: Result['facts']): Result {
  const { code, seen, fix } = describeNetworkFailure(error)
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return fault('broken', `with ${size} the connection is closed`, limited, facts)
  }
  const means = 'Without them there was an answer: the app, or what stands before it, minds them.'
  return fault('broken', `with ${size} the login cannot be opened: ${seen}`, { means, fix }, facts)
}

function describeOther(status: number, usual: number, facts: Result['facts']): Result {
  if (tooLarge.includes(status)) {
    return fault('broken', `with ${size} the answer is ${status}`, limited, facts)
  }
  // What is overloaded may have been so by chance
  const isSure = status >= 500 && status !== 503
  return fault(
    isSure ? 'broken' : 'warning',
    `with ${size} the answer is ${status}, and without them ${usual}`,
    {
      means:
        'The app, or what stands before it, minds cookies of the size that a session may have.',
      fix: 'Look at the log of the app and of what stands before it; run the doctor again to see whether it was chance.',
    },
    facts,
  )
}
