/**
 * The double's authorization endpoint and pushed requests: it signs the End-User in at once.
 *
 * @module
 */

import { randomBytes } from 'node:crypto'
import {
  type DoubleAnswer,
  errorAnswer,
  formPostAnswer,
  htmlAnswer,
  jsonAnswer,
  redirectAnswer,
} from './answers.ts'
import type { Behaviour } from './behaviour.ts'

/** What was agreed at a login, for the code and the tokens that follow. */
export interface DoubleGrant {
  readonly clientId: string
  readonly redirectUri: string
  readonly codeChallenge: string | undefined
  readonly nonce: string | undefined
  readonly scope: string
  readonly sub: string
  readonly authTime: number
  readonly acr: string | undefined
  readonly amr: readonly string[] | undefined
  readonly sid: string | undefined
}

/** The authorization side of one double. */
export interface DoubleAuthorization {
  /** Answers the authorization endpoint. */
  authorize(query: URLSearchParams, behave: Behaviour): DoubleAnswer
  /** Answers a pushed request of an authenticated client. */
  push(form: URLSearchParams, clientId: string): DoubleAnswer
  /** Takes a code: the second time there is none. */
  redeem(code: string): DoubleGrant | undefined
}

/** Creates it. */
export function createAuthorization(
  issuer: string,
  isClient: (clientId: string) => boolean,
): DoubleAuthorization {
  const codes = new Map<string, DoubleGrant>()
  const pushed = new Map<string, URLSearchParams>()

  return {
    authorize(query, behave) {
      const request_uri = query.get('request_uri')
      const request = request_uri === null ? query : pushed.get(request_uri)
      if (request === undefined) return htmlAnswer('<h1>unknown request_uri</h1>', 400)
      if (request_uri !== null) pushed.delete(request_uri)
      const clientId = request.get('client_id') ?? ''
      const redirectUri = request.get('redirect_uri')
      if (!isClient(clientId)) return htmlAnswer('<h1>unknown client_id</h1>', 400)
      if (redirectUri === null) return htmlAnswer('<h1>redirect_uri is missing</h1>', 400)
      if (query.get('client_id') !== clientId) return htmlAnswer('<h1>client_id differs</h1>', 400)

      const error = behave.authorize.error ?? faultOf(request)
      const code = randomBytes(24).toString('base64url')
      if (error === undefined) codes.set(code, buildGrant(request, redirectUri, behave))
      const response = buildResponse(error === undefined ? { code } : { ...error }, {
        state: request.get('state'),
        issuer,
        behave,
      })
      const isFormPost = behave.authorize.formPost ?? request.get('response_mode') === 'form_post'
      if (isFormPost) return formPostAnswer(redirectUri, response)
      const location = `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${response}`
      return redirectAnswer(location, behave.authorize.status)
    },

    push(form, clientId) {
      const request = new URLSearchParams(form)
      for (const name of ['client_assertion', 'client_assertion_type', 'client_secret']) {
        request.delete(name)
      }
      if (request.has('request_uri')) return errorAnswer('invalid_request', 'request_uri')
      if (!request.has('redirect_uri')) return errorAnswer('invalid_request', 'no redirect_uri')
      request.set('client_id', clientId)
      const request_uri = `urn:ietf:params:oauth:request_uri:${randomBytes(16).toString('base64url')}`
      pushed.set(request_uri, request)
      return jsonAnswer({ request_uri, expires_in: 60 }, 201)
    },

    redeem(code) {
      const grant = codes.get(code)
      codes.delete(code)
      return grant
    },
  }
}

function faultOf(request: URLSearchParams): Readonly<Record<string, string>> | undefined {
  const invalid = (error_description: string) => ({ error: 'invalid_request', error_description })
  if (request.get('response_type') !== 'code') return { error: 'unsupported_response_type' }
  if (request.get('code_challenge_method') !== 'S256') return invalid('PKCE with S256 is required')
  if (!/^[\w-]{43}$/.test(request.get('code_challenge') ?? '')) return invalid('code_challenge')
  if (!(request.get('scope') ?? '').split(' ').includes('openid')) return { error: 'invalid_scope' }
  return undefined
}

function buildGrant(request: URLSearchParams, redirectUri: string, behave: Behaviour): DoubleGrant {
  const requested = request.get('acr_values')?.split(' ')[0]
  return {
    clientId: request.get('client_id') ?? '',
    redirectUri,
    codeChallenge: request.get('code_challenge') ?? undefined,
    nonce: request.get('nonce') ?? undefined,
    scope: request.get('scope') ?? '',
    sub: behave.sub,
    authTime: behave.authTime ?? Math.floor(Date.now() / 1000),
    acr: behave.acr === false ? undefined : (behave.acr ?? requested),
    amr: behave.amr,
    sid: behave.sid,
  }
}

function buildResponse(
  answer: Readonly<Record<string, string>>,
  { state, issuer, behave }: { state: string | null; issuer: string; behave: Behaviour },
): URLSearchParams {
  const { authorize } = behave
  const honest = { ...answer, ...(state === null ? {} : { state }), iss: issuer }
  const response = new URLSearchParams(honest)
  for (const name of ['code', 'state', 'iss'] as const) {
    const wanted = authorize[name]
    if (wanted === false) response.delete(name)
    else if (wanted !== undefined) response.set(name, wanted)
  }
  for (const [name, value] of Object.entries(authorize.extra ?? {})) response.set(name, value)
  for (const name of authorize.duplicate ?? []) response.append(name, response.get(name) ?? '')
  return response
}
