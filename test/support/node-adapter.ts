/**
 * A fourth adapter, written from `docs/writing-an-adapter.md` and nothing else: plain `node:http`.
 *
 * @module
 */

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import {
  type AnyOptions,
  createRelyingParty,
  type Oidc,
  type RelyingParty,
  type Requirements,
} from '@countersign/core'
import { createNodeExchange, writeNodeResponse } from '@countersign/core/node'

/** A request with its End-User; `body` where something has parsed it. */
export interface NodeOidcRequest extends IncomingMessage {
  oidc: Oidc
  body?: unknown
}

/** Answers a request. */
export type Handler = (request: NodeOidcRequest, response: ServerResponse) => unknown

/** Puts the Relying Party in front of a handler. What goes wrong is handed to `onError`. */
export function withOidc(
  options: AnyOptions | RelyingParty,
  handler: Handler,
  onError: (error: unknown, response: ServerResponse) => void,
): RequestListener {
  const relyingParty = 'receive' in options ? options : createRelyingParty(options)

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = createNodeExchange(request, response, request.url ?? '/')
    const received = await relyingParty.receive(exchange)
    if (received.response) writeNodeResponse(request, response, received.response)
    else await handler(Object.assign(request, { oidc: received.oidc }), response)
  }

  return (request, response) => {
    answer(request, response).catch((error: unknown) => onError(error, response))
  }
}

/** Lets a request pass to a handler only for an End-User who meets the requirements. */
export function requireLogin(handler: Handler, requirements?: Requirements): Handler {
  return async (request, response) => {
    const refusal = await request.oidc.require(requirements)
    if (refusal) writeNodeResponse(request, response, refusal)
    else await handler(request, response)
  }
}
