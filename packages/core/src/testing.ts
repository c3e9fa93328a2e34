/**
 * Sessions without a login, for tests. Not for apps: `@countersign/testing` refuses to work in
 * production and is what a test should import.
 *
 * @module
 */

import { generateId } from './base/random.ts'
import type { Registration } from './registration.ts'
import { findWiring } from './relying-party.ts'
import type { Claims, KeptTokens } from './session/session.ts'
import type { Wiring } from './wiring.ts'

/** A session that a test wants. */
export interface TestSession {
  /** The End-User's claims; `sub` is all that is needed. */
  readonly claims: Claims & { readonly sub: string }
  readonly tokens?: KeptTokens
  /** The id of the provider that has signed the End-User in. Default: the first one. */
  readonly provider?: string
}

/**
 * Issues a session and returns its cookies as `name=value` pairs: at once where it is in its cookie
 * alone, else a promise of them.
 *
 * @throws TypeError when it is not a Relying Party of this copy of the package, does not know the
 * provider, or does not keep sessions itself; where a promise is returned, it rejects
 */
export function issueSession(
  relyingParty: object,
  session: TestSession,
): readonly string[] | Promise<readonly string[]> {
  const wiring = findWiring(relyingParty)
  if (!wiring) throw new TypeError('"relyingParty" must be made by createRelyingParty()')
  if (wiring.config.session.store === 'framework') {
    throw new TypeError(
      'sessions are in the app\'s own ("session.store" is "framework"), which cannot be made from outside',
    )
  }
  const { all, find } = wiring.registrations
  const { provider } = session
  const known = provider === undefined ? all[0] : all.find(({ id }) => id === provider)
  if (known) return issue(wiring, known, session)
  if (provider === undefined) throw new TypeError('"provider" must be given: none is known yet')
  return find(provider).then((found) => {
    if (!found) throw new TypeError(`there is no provider ${JSON.stringify(provider)}`)
    return issue(wiring, found, session)
  })
}

function issue(
  { clock, store }: Wiring,
  { id, issuer, clientId }: Registration,
  { claims, tokens }: TestSession,
): readonly string[] | Promise<readonly string[]> {
  const now = clock.now()
  const cookies: string[] = []
  const exchange = {
    method: 'GET',
    target: '/',
    header: () => undefined,
    form: () => Promise.resolve(new URLSearchParams()),
    setCookie: (value: string) => {
      cookies.push(value.split(';', 1)[0] ?? '')
    },
    isStarted: () => false,
    send: () => {},
  }
  const written = store.open(exchange).write({
    id: generateId(),
    ...(id !== '' && { provider: id }),
    createdAt: now,
    seenAt: now,
    claims: {
      iss: issuer,
      aud: clientId,
      iat: now,
      exp: now + 3600,
      auth_time: now,
      ...claims,
    },
    tokens,
  })
  return written instanceof Promise ? written.then(() => cookies) : cookies
}
