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

/**
 * A hook that lets a request pass only for an End-User who meets the requirements. As a hook of a whole
 * context it leaves our routes open.
 */
export function requireLogin<User extends Claims = UserClaims>(
  requirements?: Requirements<User>,
): (request: Request, reply: Reply, done: (error?: Error) => void) => void {
  return function requireLogin(request, reply, done) {
    async function isWelcome(): Promise<boolean> {
      if (isRouteOfOurs(request)) return true
      const oidc = readOidc(request) as unknown as Oidc<User>
      const response = await oidc.require(requirements)
      if (response) await send(reply, response)
      return response === undefined
    }
    // Only who is welcome gets on. A hook that is a promise would let pass whoever goes away while other
    // hooks are busy with the refusal: for Fastify, that reply was never sent
    isWelcome().then((passes) => {
      if (passes) done()
    }, done)
  }
}

function readOidc({ oidc }: { readonly oidc?: Oidc }): Oidc {
  if (oidc) return oidc
  const message = 'needs app.register(oidc) before it'
  throw new ConfigurationError([{ path: 'requireLogin()', message }])
}
