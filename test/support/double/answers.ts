/**
 * What the double's endpoints answer to a request that has been read.
 *
 * @module
 */

import type { IncomingHttpHeaders } from 'node:http'
import type { Endpoint } from './behaviour.ts'

/** A request, read whole. */
export interface DoubleRequest {
  readonly method: string
  readonly path: string
  readonly endpoint: Endpoint | undefined
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly form: URLSearchParams
  /** Milliseconds, as `Date.now()`. */
  readonly time: number
}

/** An answer to write. */
export interface DoubleAnswer {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}

/** JSON, not stored. */
export function jsonAnswer(body: unknown, status = 200): DoubleAnswer {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  return { status, headers, body: JSON.stringify(body) }
}

/** An OAuth error. */
export function errorAnswer(
  error: string,
  error_description?: string,
  status = error === 'invalid_client' ? 401 : 400,
): DoubleAnswer {
  return jsonAnswer({ error, error_description }, status)
}

/** A redirect. */
export function redirectAnswer(location: string, status = 303): DoubleAnswer {
  return { status, headers: { location, 'cache-control': 'no-store' }, body: '' }
}

/** A page. */
export function htmlAnswer(body: string, status = 200): DoubleAnswer {
  return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body }
}

/** An Authentication Response as a form that submits itself. @see OAuth 2.0 Form Post Response Mode */
export function formPostAnswer(action: string, params: URLSearchParams): DoubleAnswer {
  const inputs = [...params].map(
    ([name, value]) =>
      `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  )
  return htmlAnswer(`<!doctype html>
<title>Submit</title>
<form method="post" action="${escapeHtml(action)}">${inputs.join('')}</form>
<script>document.forms[0].submit()</script>
`)
}

function escapeHtml(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
}
