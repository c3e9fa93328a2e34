import { expect, test } from 'vitest'
import { buildBaseUrl } from '../../src/base/url.ts'
import { buildMissingTransaction } from '../../src/login/missing-transaction.ts'
import { createExchange } from '../support/exchange.ts'

const cookieName = '__Host-oidc.login-0'
const lead = `the cookie "${cookieName}" is missing or cannot be opened: `

function explain(headers: Readonly<Record<string, string>>, url = 'https://app.example'): string {
  const error = buildMissingTransaction(createExchange({ headers }), {
    cookieName,
    baseUrl: buildBaseUrl(new URL(url)),
    isTooOld: false,
  })
  expect([error.code, error.reason, error.status]).toEqual([
    'ERR_TRANSACTION_MISSING',
    'missing',
    400,
  ])
  expect(error.message.startsWith(lead)).toBe(true)
  return error.message.slice(lead.length)
}

test('a cookie that is too old says that the login took too long', () => {
  const baseUrl = buildBaseUrl(new URL('https://app.example'))
  const error = buildMissingTransaction(createExchange(), { cookieName, baseUrl, isTooOld: true })
  expect(error).toMatchObject({ code: 'ERR_TRANSACTION_MISSING', reason: 'expired' })
  expect(error.message).toContain('longer than ten minutes')
})

test('a cookie that is there was sealed with another secret', () => {
  expect(explain({ cookie: `${cookieName}=x`, host: 'app.example' })).toBe(
    'it was sealed with another secret, or changed. Is "session.secret" the same in every process?',
  )
})

test('a response at another host is compared with the base URL', () => {
  expect(explain({ host: '127.0.0.1:3000' }, 'http://localhost:3000')).toBe(
    'the response came to "127.0.0.1:3000", but "baseUrl" is at "localhost:3000", and a cookie of ' +
      'one host is not sent to another',
  )
})

test.each(['x-forwarded-host', 'forwarded'])('behind a proxy (%s) hosts are not', (header) => {
  const reason = explain({ host: 'internal:8080', [header]: 'app.example', cookie: 'a=b' })
  expect(reason).not.toContain('internal')
})

test('no cookie at all means that cookies are blocked, or that Secure met http', () => {
  expect(explain({ host: 'app.example' })).toBe(
    'the browser sent no cookie at all: cookies are blocked, or the login took longer than ten ' +
      'minutes; or the site was opened over http, ' +
      'which a Secure cookie is not',
  )
  expect(explain({}, 'http://localhost:3000')).toBe(
    'the browser sent no cookie at all: cookies are blocked, or the login took longer than ten minutes',
  )
})

test('other cookies mean that it is over, done, or pushed out', () => {
  expect(explain({ host: 'app.example', cookie: 'theme=dark' })).toBe(
    'the login took longer than ten minutes, was finished in another tab, or was pushed out by six ' +
      'newer ones',
  )
})
