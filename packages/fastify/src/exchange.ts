/**
 * A request and its reply, translated for the core.
 *
 * @module
 */

import type { Exchange, Oidc, OidcResponse, RelyingParty } from '@countersign/core'
import { createNodeExchange, writeNodeResponse } from '@countersign/core/node'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { createSessionReader } from './session.ts'

/** What a request is decorated with: its exchange, for whoever looks at it, in hooks and in our routes. */
export const exchangeKey: unique symbol = Symbol('exchange')

/** A request as far as it is used: of any server, HTTP/2 included, and of any route. */
export interface Request {
  readonly oidc: Oidc
  readonly [exchangeKey]: Exchange
  readonly routeOptions: { readonly config: object }
  readonly server: { readonly relyingParty: RelyingParty }
}

/** A reply of the same sort. */
export interface Reply {
  readonly sent: boolean
  readonly raw: object
  readonly request: { readonly raw: object }
  code(status: number): unknown
  headers(headers: Readonly<Record<string, string>>): unknown
  removeHeader(name: string): unknown
  /** `never`: what a route may send is declared by the route, and a response of ours is none of it. */
  send(payload: never): unknown
}

/** Creates the exchange of a request. */
export function createExchange(request: FastifyRequest, reply: FastifyReply): Exchange {
  return createNodeExchange(request.raw, reply.raw, request.originalUrl, {
    body: () => request.body,
    session: createSessionReader(request),
    setCookie(value) {
      reply.header('set-cookie', value)
      // For whoever hijacks the reply; otherwise the reply's own headers take this one's place
      reply.raw.appendHeader('set-cookie', value)
    },
    send: (response) => send(reply, response),
  })
}

/** Hands the response to Fastify, and waits until it is written: hooks of the app may take their time. */
export async function send(reply: Reply, response: OidcResponse): Promise<void> {
  const { status, headers, body } = response
  if (reply.sent) {
    const raw = reply.raw as FastifyReply['raw']
    // Hijacked, unless it was answered by somebody else
    if (!raw.headersSent)
      writeNodeResponse(reply.request.raw as FastifyRequest['raw'], raw, response)
    return
  }
  reply.removeHeader('content-type')
  reply.code(status)
  reply.headers(headers)
  // As bytes: to the content type of a text Fastify would add a charset
  await reply.send((body === '' ? undefined : Buffer.from(body)) as never)
}
