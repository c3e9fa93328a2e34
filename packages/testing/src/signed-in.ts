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

/**
 * Signs an End-User in to an app under test: the cookie that a login would have left.
 *
 * @throws Error in production, where nobody may be signed in without a login
 * @throws TypeError when no `oidc()` is found in the app
 */
export function signedIn(
  app: AppUnderTest,
  claims: TestSession['claims'],
  tokens?: TestSession['tokens'],
): SignedIn {
  if (process.env['NODE_ENV'] === 'production') {
    throw new Error('signedIn() is for tests, and refuses to work with NODE_ENV=production')
  }
  const relyingParty = findRelyingParty(app)
  if (!relyingParty) {
    throw new TypeError(
      'no oidc() was found in "app": pass the app, the middleware or the Relying Party',
    )
  }
  const cookies = issueSession(relyingParty, { claims, ...(tokens && { tokens }) })
  if (cookies instanceof Promise) throw new TypeError('sessions are in a store')
  const cookie = cookies.join('; ')
  return { cookie, headers: { cookie } }
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
