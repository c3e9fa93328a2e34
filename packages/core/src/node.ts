/**
 * The seam on Node's own HTTP: what adapters of Node frameworks share. The only file that knows
 * `node:http`.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange, FrameworkSession, OidcResponse } from './exchange.ts'
import { readForm } from './http/form.ts'
import { readHeader } from './http/headers.ts'
import { readStoredSession, type SessionOwner } from './stored-session.ts'

export type { FrameworkSession, SessionMembers } from './exchange.ts'
export { readStoredSession, type SessionOwner } from './stored-session.ts'

/** A request of Node's, as far as it is used; `body` is what a body parser before us has left. */
export interface NodeRequest extends IncomingMessage, SessionOwner {
  readonly body?: unknown
}

/** What a framework does in a way of its own. Without it, all is done on `request` and `response`. */
export interface NodeFramework {
  /** What the framework's body parser has left. */
  readonly body?: () => unknown
  /** Appends a `Set-Cookie` header. The head of the response has not left. */
  readonly setCookie?: (value: string) => void
  /** The app's own session. Without it, what express-session has left on the request. */
  readonly session?: () => FrameworkSession | null | undefined
  readonly send?: (response: OidcResponse) => void | Promise<void>
}

/**
 * Creates the exchange of one request.
 *
 * `target` is the request target as the browser sent it: frameworks that mount handlers at a path
 * change `request.url`, and keep the original elsewhere.
 */
export function createNodeExchange(
  request: NodeRequest,
  response: ServerResponse,
  target: string,
  framework: NodeFramework = {},
): Exchange {
  return {
    method: request.method ?? 'GET',
    target,
    header: (name) => readHeader(request.headers, name),
    form: () =>
      readForm({
        type: request.headers['content-type'],
        parsed: framework.body ? framework.body() : request.body,
        stream: request,
      }),
    isStarted: () => response.headersSent,
    setCookie: framework.setCookie ?? ((value) => void response.appendHeader('set-cookie', value)),
    session: framework.session ?? (() => readStoredSession(request)),
    send: framework.send ?? ((answer) => writeNodeResponse(request, response, answer)),
  }
}

/** Writes a response of ours. Cookies are on it already. */
export function writeNodeResponse(
  request: NodeRequest,
  response: ServerResponse,
  { status, headers, body }: OidcResponse,
): void {
  response.statusCode = status
  // Whatever the app has prepared for a body of its own
  response.removeHeader('content-type')
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  if (status !== 204 && status !== 304) {
    response.setHeader('content-length', Buffer.byteLength(body))
  }
  response.end(request.method === 'HEAD' ? undefined : body)
}
