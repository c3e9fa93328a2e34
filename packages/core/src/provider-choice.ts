/**
 * Which provider a login is for, where the app has several: the one that was named, the one of the
 * request's tenant, or the one that the End-User chooses.
 *
 * @module
 */

import { TransactionError } from './errors.ts'
import type { Exchange, OidcResponse } from './exchange.ts'
import { buildPage } from './http/page.ts'
import type { Registration } from './registration.ts'
import type { Wiring } from './wiring.ts'

/**
 * Finds the registration to sign in at; `undefined` where the End-User has to choose.
 *
 * @throws TransactionError `ERR_LOGIN_REQUEST` for one that is not there
 */
export async function chooseRegistration(
  { registrations }: Wiring,
  exchange: Exchange,
  named: string | undefined,
): Promise<Registration | undefined> {
  if (named === undefined) return await registrations.choose(exchange)
  return (await registrations.find(named)) ?? unknownProvider(named)
}

/** Refuses the name of a provider that is not there. */
export function unknownProvider(named: string): never {
  const message = `there is no provider ${JSON.stringify(named.slice(0, 64))}`
  throw new TransactionError('ERR_LOGIN_REQUEST', message, { reason: 'missing' })
}

/** Builds the page that End-Users choose their provider on. */
export function buildChoice(
  { registrations, config, loginUrl }: Wiring,
  returnTo: string,
): OidcResponse {
  const query = `?returnTo=${encodeURIComponent(returnTo)}`
  const offered = loginUrl === undefined ? [] : registrations.all
  const actions = offered.map(({ id, label }) => ({ label, href: `${loginUrl}/${id}${query}` }))
  if (actions.length === 0) unknownProvider('')
  return buildPage({
    status: 200,
    title: 'Sign in',
    text: 'Where do you want to sign in?',
    actions: [...actions, { label: 'Back to the site', href: config.baseUrl.home }],
  })
}
