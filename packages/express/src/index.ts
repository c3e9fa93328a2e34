/**
 * OpenID Connect login for Express 5 and 4. Translates; all that it knows of OpenID Connect is the name.
 *
 * @module
 */

import {
  type AnyOptions,
  type Claims,
  ConfigurationError,
  createRelyingParty,
  type Oidc,
  optionsFromEnv,
  type Received,
  type RelyingParty,
  type Requirements,
  type UserClaims,
} from '@countersign/core'
import { createNodeExchange, writeNodeResponse } from '@countersign/core/node'
import type { NextFunction, Request, RequestHandler, Response } from 'express'

export * from '@countersign/core'

declare global {
  namespace Express {
    interface Request {
      /** The End-User of this request. Set by `oidc()`. */
      oidc: Oidc
    }
  }
}

/** The middleware, and the Relying Party behind it, for tests and for `ready()`. */
export type OidcMiddleware<User extends Claims = UserClaims> = RequestHandler & {
  readonly relyingParty: RelyingParty<User>
}

/**
 * Serves the Relying Party's own routes and sets `req.oidc` on every other request.
 *
 * Without options they are read from the environment (`OIDC_*`).
 *
 * @throws ConfigurationError with every fault of the options
 */
export function oidc<User extends Claims = UserClaims>(
  options: AnyOptions | RelyingParty<User> = optionsFromEnv(process.env),
): OidcMiddleware<User> {
  const relyingParty = 'receive' in options ? options : createRelyingParty<User>(options)
  function oidc(req: Request, res: Response, next: NextFunction): void {
    const take = (received: Received<User>): void => {
      if (received.response) {
        writeNodeResponse(req, res, received.response)
        return
      }
      // What the app's own claims are is known to the app; Express has one type for every request
      req.oidc = received.oidc as unknown as Oidc
      next()
    }
    const received = relyingParty.receive(createNodeExchange(req, res, req.originalUrl))
    if (received instanceof Promise) received.then(take).catch(next)
    else take(received)
  }
  return Object.assign(oidc, { relyingParty })
}

/** Lets a request pass only for an End-User who meets the requirements. */
export function requireLogin<User extends Claims = UserClaims>(
  requirements?: Requirements<User>,
): RequestHandler {
  return async function requireLogin(req, res, next) {
    try {
      const oidc = readOidc(req) as unknown as Oidc<User>
      const response = await oidc.require(requirements)
      if (response) {
        writeNodeResponse(req, res, response)
        return
      }
    } catch (error) {
      return next(error)
    }
    next()
  }
}

function readOidc({ oidc }: { readonly oidc?: Oidc }): Oidc {
  if (oidc) return oidc
  const message = 'needs app.use(oidc()) before it'
  throw new ConfigurationError([{ path: 'requireLogin()', message }])
}
