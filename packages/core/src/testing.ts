/**
 * Sessions without a login, for tests. Not for apps: `@countersign/testing` refuses to work in
 * production and is what a test should import.
 *
 * @module
 */

import { generateId } from './base/random.ts'
import { findWiring } from './relying-party.ts'
import type { Claims, KeptTokens } from './session/session.ts'

/** A session that a test wants. */
export interface TestSession {
  /** The End-User's claims; `sub` is all that is needed. */
  readonly claims: Claims & { readonly sub: string }
  readonly tokens?: KeptTokens
}

/**
 * Issues a session and returns its cookies as `name=value` pairs: a promise of them where sessions are in
 * a store.
 *
 * @throws TypeError when it is not a Relying Party of this copy of the package
 */
export function issueSession(
  relyingParty: object,
  session: TestSession,
): readonly string[] | Promise<readonly string[]> {
  const wiring = findWiring(relyingParty)
  if (!wiring) throw new TypeError('"relyingParty" must be made by createRelyingParty()')
  const { clock, registrations, store } = wiring
  const [registration] = registrations.all
  if (!registration) throw new TypeError('"relyingParty" must know a provider')
  const { id, issuer, clientId } = registration
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
      ...session.claims,
    },
    tokens: session.tokens,
  })
  return written instanceof Promise ? written.then(() => cookies) : cookies
}
