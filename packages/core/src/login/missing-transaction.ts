/**
 * Says why a login cannot be found: the question behind most reports of a failed login.
 *
 * @module
 */

import type { BaseUrl } from '../base/url.ts'
import { TransactionError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'

/** Builds the error that names the missing cookie and the likeliest reason. */
export function buildMissingTransaction(
  exchange: Exchange,
  { cookieName, baseUrl, isTooOld }: { cookieName: string; baseUrl: BaseUrl; isTooOld: boolean },
): TransactionError {
  if (isTooOld) {
    const message = `the login took longer than ten minutes, and the cookie "${cookieName}" is too old`
    return new TransactionError('ERR_TRANSACTION_MISSING', message, { reason: 'expired' })
  }
  return new TransactionError(
    'ERR_TRANSACTION_MISSING',
    `the cookie "${cookieName}" is missing or cannot be opened: ${findCause(exchange, cookieName, baseUrl)}`,
    { reason: 'missing' },
  )
}

function findCause(exchange: Exchange, cookieName: string, { host, isHttps }: BaseUrl): string {
  const cookies = exchange.header('cookie')
  if (cookies?.includes(cookieName)) {
    return 'it was sealed with another secret, or changed. Is "session.secret" the same in every process?'
  }
  const seen = exchange.header('host')
  if (seen !== undefined && seen !== host && !isForwarded(exchange)) {
    return (
      `the response came to "${seen}", but "baseUrl" is at "${host}", and a cookie of one host is not ` +
      'sent to another'
    )
  }
  if (cookies === undefined) {
    const insecure = isHttps
      ? '; or the site was opened over http, which a Secure cookie is not'
      : ''
    return `the browser sent no cookie at all: cookies are blocked, or the login took longer than ten minutes${insecure}`
  }
  return (
    'the login took longer than ten minutes, was finished in another tab, or was pushed out by six ' +
    'newer ones'
  )
}

function isForwarded(exchange: Exchange): boolean {
  return (
    exchange.header('x-forwarded-host') !== undefined || exchange.header('forwarded') !== undefined
  )
}
