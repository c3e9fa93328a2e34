/**
 * Whether cookies of the size that a session may have get through to the app.
 *
 * @see RFC 6265, 6.1
 *
 * @module
 */

import { type Examination, navigation } from './examination.ts'
import { fault, type Result, skip } from './finding.ts'
import { type Answer, visit } from './visit.ts'

/** What browsers keep of one cookie, and what our cookies may have together. */
const maxCookie = 4096
const maxCookies = 8192

/** Looks at the cookies of a login, and sends as many as there may be. */
export async function examineCookies({
  inspection,
  loginAnswer,
  milliseconds,
}: Examination): Promise<Result> {
  const { loginUrl, baseUrl } = inspection
  if (loginUrl === undefined) return skip('the app has no login route')
  const set = await loginAnswer().then(
    ({ headers }) => headers['set-cookie'] ?? [],
    () => undefined,
  )
  if (set === undefined) return skip('the app does not answer')
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
  let answer: Answer
  try {
    const cookie = `doctor=${'c'.repeat(maxCookies - 'doctor='.length)}`
    answer = await visit(loginUrl, { headers: { ...navigation, cookie }, milliseconds })
  } catch {
    answer = { status: 0, headers: {}, body: '' }
  }
  const { status } = answer
  if (status === 0 || status === 400 || status === 413 || status === 431 || status === 494) {
    const how = status === 0 ? 'the connection is closed' : `the answer is ${status}`
    return fault(
      'broken',
      `with ${maxCookies / 1024} kB of cookies ${how}`,
      {
        means:
          'The app, or what stands before it, takes smaller headers than a session may need: some End-Users see this error at every page, and cannot even sign out.',
        fix: 'Raise the limit (nginx: large_client_header_buffers 4 16k; Node: --max-http-header-size), or keep sessions in a store.',
      },
      { ...facts, status },
    )
  }
  const seen = `a login sets ${total} bytes, and ${maxCookies / 1024} kB of cookies get through`
  return { seen, facts: { ...facts, status } }
}
