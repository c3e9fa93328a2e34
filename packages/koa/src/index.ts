/**
 * OpenID Connect login for Koa 3 and 2. Translates; all that it knows of OpenID Connect is the name.
 *
 * @module
 */

import {
  type AnyOptions,
  type Claims,
  ConfigurationError,
  createRelyingParty,
  type Exchange,
  type Oidc,
  type OidcResponse,
  optionsFromEnv,
  type Received,
  type RelyingParty,
  type Requirements,
  type UserClaims,
} from '@countersign/core'
import { createNodeExchange, writeNodeResponse } from '@countersign/core/node'
import type { ExtendableContext, Next } from 'koa'
import { keepOnError } from './error-cookies.ts'
import { createSessionReader } from './session.ts'

export * from '@countersign/core'

declare module 'koa' {
  interface ExtendableContext {
    /** The End-User of this request. Set by `oidc()`. */
    oidc: Oidc
  }
}

/** A middleware for every context: of an app, and of a router. */
export type ContextMiddleware = (ctx: ExtendableContext, next: Next) => Promise<void>

/** The middleware, and the Relying Party behind it, for tests and for `ready()`. */
export type OidcMiddleware<User extends Claims = UserClaims> = ContextMiddleware & {
  readonly relyingParty: RelyingParty<User>
}

/**
 * Serves the Relying Party's own routes and sets `ctx.oidc` on every other request.
 *
 * Without options they are read from the environment (`OIDC_*`).
 *
 * @throws ConfigurationError with every fault of the options
 */
export function oidc<User extends Claims = UserClaims>(
  options: AnyOptions | RelyingParty<User> = optionsFromEnv(process.env),
): OidcMiddleware<User> {
  const relyingParty = 'receive' in options ? options : createRelyingParty<User>(options)
  function oidc(ctx: ExtendableContext, next: Next): Promise<void> {
    const take = (received: Received<User>): Promise<void> => {
      if (received.response) return Promise.resolve(send(ctx, received.response))
      // What the app's own claims are is known to the app; Koa has one type for every context
      ctx.oidc = received.oidc as unknown as Oidc
      return next()
    }
    const received = relyingParty.receive(createExchange(ctx))
    return received instanceof Promise ? received.then(take) : take(received)
  }
  return Object.assign(oidc, { relyingParty })
}

/** Lets a request pass only for an End-User who meets the requirements. */
export function requireLogin<User extends Claims = UserClaims>(
  requirements?: Requirements<User>,
): ContextMiddleware {
  return async function requireLogin(ctx, next) {
    const oidc = readOidc(ctx) as unknown as Oidc<User>
    const response = await oidc.require(requirements)
    if (response) send(ctx, response)
    else await next()
  }
}

function createExchange(ctx: ExtendableContext): Exchange {
  const cookies: string[] = []
  const keep = (value: string): void => {
    if (cookies.length === 0) keepOnError(ctx, cookies)
    cookies.push(value)
  }
  return createNodeExchange(ctx.req, ctx.res, ctx.originalUrl, {
    setCookie(value) {
      keep(value)
      ctx.append('set-cookie', value)
    },
    session: createSessionReader(ctx, keep),
    body: () => readBody(ctx.request) ?? readBody(ctx.req),
    send: (response) => send(ctx, response),
  })
}

/** What a body parser has left: on Koa's request, or on Node's. */
function readBody(request: { readonly body?: unknown } | object): unknown {
  return 'body' in request ? request.body : undefined
}

/** Hands the response to Koa, which writes it when all middleware is done. */
function send(ctx: ExtendableContext, response: OidcResponse): void {
  // The app writes by itself
  if (ctx.respond === false) {
    writeNodeResponse(ctx.req, ctx.res, response)
    return
  }
  const { status, headers, body } = response
  ctx.remove('content-type')
  ctx.set(headers)
  // In this order: a body changes the status, and no body keeps one from being explained by its name
  ctx.body = body === '' ? null : body
  ctx.status = status
}

function readOidc({ oidc }: { readonly oidc?: Oidc }): Oidc {
  if (oidc) return oidc
  const message = 'needs app.use(oidc()) before it'
  throw new ConfigurationError([{ path: 'requireLogin()', message }])
}
