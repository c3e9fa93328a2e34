/**
 * A signed-in End-User for tests of an app: a cookie, and no provider.
 *
 * @module
 */

import { issueSession, type TestSession } from '@countersign/core/testing'

/** A cookie jar's worth of being signed in. */
export interface SignedIn {
  /** The value for a request's `Cookie` header. */
  readonly cookie: string
  /** The same as headers for `fetch`, `supertest` or `inject()`. */
  readonly headers: { readonly cookie: string }
}

/** What can be signed in to: an app that uses `oidc()`, the middleware itself, or a Relying Party. */
export type AppUnderTest = object

/** What else a test can say of a session. */
export interface SessionDetails {
  /** Tokens, whatever `session.keep` says. */
  readonly tokens?: TestSession['tokens']
  /** The id of the provider that has signed the End-User in, where the app has several. */
  readonly provider?: string
}

/**
 * Signs an End-User in to an app under test, wherever it keeps its sessions: what a login would have left,
 * in the store and as a cookie. Rejects with SessionError where the store fails.
 *
 * @throws Error in production, where nobody may be signed in without a login
 * @throws TypeError when no `oidc()` is found in the app, or its sessions are in the app's own
 */
export async function createSession(
  app: AppUnderTest,
  claims: TestSession['claims'],
  { tokens, provider }: SessionDetails = {},
): Promise<SignedIn> {
  const relyingParty = readRelyingParty(app, 'createSession()')
  const session = { claims, ...(tokens && { tokens }), ...(provider !== undefined && { provider }) }
  return buildSignedIn(await issueSession(relyingParty, session))
}

/**
 * Signs an End-User in to an app under test whose sessions are in a sealed cookie: the cookie that a login
 * would have left, at once.
 *
 * @throws Error in production, where nobody may be signed in without a login
 * @throws TypeError when no `oidc()` is found in the app, or it has a store: that takes `createSession`
 */
export function signedIn(
  app: AppUnderTest,
  claims: TestSession['claims'],
  tokens?: TestSession['tokens'],
): SignedIn {
  const relyingParty = readRelyingParty(app, 'signedIn()')
  const cookies = issueSession(relyingParty, { claims, ...(tokens && { tokens }) })
  if (cookies instanceof Promise) {
    cookies.catch(() => {})
    throw new TypeError(
      'signedIn() cannot wait for the store that "app" has: use "await createSession(app, claims)"',
    )
  }
  return buildSignedIn(cookies)
}

function buildSignedIn(cookies: readonly string[]): SignedIn {
  const cookie = cookies.join('; ')
  return { cookie, headers: { cookie } }
}

function readRelyingParty(app: AppUnderTest, caller: string): object {
  if (process.env['NODE_ENV'] === 'production') {
    throw new Error(`${caller} is for tests, and refuses to work with NODE_ENV=production`)
  }
  const found = findRelyingParty(app)
  if (found) return found
  throw new TypeError(
    'no oidc() was found in "app": pass the app, the middleware or the Relying Party',
  )
}

/** How deep routers may be nested. */
const maxDepth = 8

/** Looks for what `oidc()` left: on the value itself, or in the middleware of an Express or Koa app. */
function findRelyingParty(value: unknown, depth = 0): object | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined
  if (depth > maxDepth) return undefined
  if ('receive' in value && 'routes' in value) return value
  if ('relyingParty' in value) return findRelyingParty(value.relyingParty, depth + 1)
  for (const layer of readLayers(value)) {
    const found = findRelyingParty(layer, depth + 1)
    if (found) return found
  }
  return undefined
}

/** The handlers of a Koa app, of an Express app (`router`, in Express 4 `_router`), a router or a layer. */
function readLayers(value: object): readonly unknown[] {
  if ('middleware' in value && Array.isArray(value.middleware)) return value.middleware
  // A layer of a router; an Express app is a function that has a "handle" too
  if (typeof value === 'object' && 'handle' in value) return [value.handle]
  const router = '_router' in value ? value._router : (readRouter(value) ?? value)
  if ((typeof router !== 'object' && typeof router !== 'function') || router === null) return []
  return 'stack' in router && Array.isArray(router.stack) ? router.stack : []
}

/** The member `router` of an Express 5 app; in Express 4 it throws. */
function readRouter(value: object): unknown {
  try {
    return 'router' in value ? value.router : undefined
  } catch {
    return undefined
  }
}
