/**
 * What a browser or a program gets to see when one of our routes, or a login that a guard starts, fails.
 *
 * @module
 */

import { generateId } from './base/random.ts'
import { clientRefusedText, errorTexts } from './error-texts.ts'
import { type OidcError, ProviderError } from './errors.ts'
import { buildEventError, type Emit } from './events.ts'
import type { Exchange, OidcResponse } from './exchange.ts'
import { isDevelopment } from './http/development.ts'
import { capitalize } from './http/html.ts'
import { buildPage } from './http/page.ts'
import type { RefusalSection } from './http/refusal-section.ts'
import { problem } from './http/responses.ts'
import { prefersHtml } from './login/negotiation.ts'
import { describeRefusal } from './provider/protocol-error.ts'
import { buildLoginUrl } from './provider-choice.ts'
import type { Wiring } from './wiring.ts'

/** Seconds after which it is worth trying again. */
const retryAfter = 10

/** What went wrong, and for whom. */
export interface FailedRequest {
  readonly exchange: Exchange
  readonly error: OidcError
  readonly isLogin: boolean
  /** The id of the provider that the request named. */
  readonly provider?: string | undefined
}

/** Answers with the app's page for an error, or with ours; tells about it under a reference. */
export async function answerError(
  wiring: Wiring,
  { exchange, error, isLogin, provider }: FailedRequest,
): Promise<OidcResponse> {
  const { config, emit } = wiring
  const reference = tellError(emit, isLogin ? 'login.failed' : 'request.refused', error)
  const own = await config.onError?.(error, exchange)
  if (own) return own
  const refused = findRefused(error)
  const { title, publicMessage: text } = refused ? clientRefusedText : errorTexts[error.code]
  const developer = refused && isDevelopment(config.baseUrl) ? refused : undefined
  const { status } = error
  const headers = status === 503 ? { 'retry-after': String(retryAfter) } : {}
  if (!prefersHtml(exchange.header('accept'))) {
    const details = { title, detail: text, code: error.code, reference }
    return problem(status, { ...details, refusal: developer?.refusal }, headers)
  }
  // A tenant's End-Users have nothing to choose from
  const loginUrl = buildLoginUrl(wiring, config.lookup && provider)
  const retry = isLogin && loginUrl !== undefined ? [{ label: 'Try again', href: loginUrl }] : []
  const home = { label: 'Back to the site', href: config.baseUrl.home }
  const detail = hasPublicDetail(error) ? `${capitalize(error.message)}.` : undefined
  return buildPage({
    status,
    title,
    text,
    detail,
    actions: [...retry, home],
    reference,
    headers,
    developer,
  })
}

/** What a developer is shown of a client that the provider refused. */
function findRefused(error: OidcError): RefusalSection | undefined {
  if (!(error instanceof ProviderError && error.refusal)) return undefined
  return { answer: describeRefusal(error), refusal: error.refusal }
}

/** What the developer's message says about this browser's own cookies may be shown to it. */
function hasPublicDetail(error: OidcError): boolean {
  return error.code === 'ERR_TRANSACTION_MISSING' || error.code === 'ERR_LOGIN_LOOP'
}

/** Tells about an error, and returns the reference under which. */
export function tellError(
  emit: Emit,
  type: 'login.failed' | 'request.refused',
  error: OidcError,
): string {
  const reference = generateId().slice(0, 12)
  emit({ type, reference, error: buildEventError(error) })
  return reference
}
