/**
 * Where an End-User signs in, where the app has several providers: the address for one of them, and the
 * page to choose on.
 *
 * @module
 */

import type { OidcResponse } from './exchange.ts'
import { buildPage } from './http/page.ts'
import { isProviderId } from './providers-config.ts'
import { unknownProvider } from './registrations.ts'
import type { Wiring } from './wiring.ts'

/** Builds the address to sign in at a provider, or at any. */
export function buildLoginUrl(
  { loginUrl }: Pick<Wiring, 'loginUrl'>,
  provider: string | undefined,
): string | undefined {
  // What the app has made of a request may be anything
  const isNamed = provider !== undefined && isProviderId(provider)
  return loginUrl !== undefined && isNamed ? `${loginUrl}/${provider}` : loginUrl
}

/** Builds the page that End-Users choose their provider on. */
export function buildChoice(
  { registrations, config, loginUrl }: Wiring,
  returnTo: string,
): OidcResponse {
  const query = `?${new URLSearchParams({ returnTo })}`
  const offered = loginUrl === undefined ? [] : registrations.all
  const choices = offered.map(({ id, label }) => ({ label, href: `${loginUrl}/${id}${query}` }))
  if (choices.length === 0) unknownProvider('')
  return buildPage({
    status: 200,
    title: 'Sign in',
    text: 'Where do you want to sign in?',
    choices,
    actions: [{ label: 'Back to the site', href: config.baseUrl.home }],
  })
}
