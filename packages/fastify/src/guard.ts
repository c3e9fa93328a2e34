/**
 * The guard, as a hook.
 *
 * @module
 */

import {
  type Claims,
  ConfigurationError,
  type Oidc,
  type Requirements,
  type UserClaims,
} from '@countersign/core'
import { type Reply, type Request, send } from './exchange.ts'
import { isRouteOfOurs } from './routes.ts'

/** A hook of a request: `onRequest`, `preValidation` or `preHandler`. */
export type OidcGuard = (
  request: Request,
  reply: Reply,
  ...others: readonly unknown[]
) => Promise<void>

/**
 * A hook that lets a request pass only for an End-User who meets the requirements: it resolves for
 * nobody else. As a hook of a whole context it leaves our routes open.
 */
export function requireLogin<User extends Claims = UserClaims>(
  requirements?: Requirements<User>,
): OidcGuard {
  return async function requireLogin(request, reply, ...others) {
    // Hooks with a payload: in "onSend" a refusal would be sent in the middle of an answer, again and again
    if (others.length > 1) {
      throw misplaced('guards in "onRequest", "preValidation" and "preHandler" alone')
    }
    const oidc = readOidc(request) as unknown as Oidc<User>
    if (isRouteOfOurs(request)) return
    const response = await oidc.require(requirements)
    if (!response) return
    await send(reply, response)
    // It must not resolve: for Fastify a reply to somebody who went away meanwhile was never sent, and it
    // would go on to the handler
    await new Promise(() => {})
  }
}

function readOidc({ oidc }: { readonly oidc?: Oidc }): Oidc {
  if (oidc) return oidc
  throw misplaced('needs app.register(oidc) before it')
}

function misplaced(message: string): ConfigurationError {
  return new ConfigurationError([{ path: 'requireLogin()', message }])
}
