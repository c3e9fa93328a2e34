/**
 * An OpenID Provider double: faithful on the wire, and wrong wherever a test wants it to be.
 *
 * @module
 */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { listenOnOurs } from '../house/ports.ts'
import {
  type DoubleAnswer,
  type DoubleRequest,
  errorAnswer,
  jsonAnswer,
  redirectAnswer,
} from './double/answers.ts'
import { createAuthorization } from './double/authorization.ts'
import { type Behaviour, type Endpoint, honestBehaviour } from './double/behaviour.ts'
import {
  createDoubleClients,
  type DoubleAssertion,
  type DoubleClient,
} from './double/client-authentication.ts'
import { generateSigningKeys, type SigningKey } from './double/signing.ts'
import { createTokens } from './double/tokens.ts'

export type { DoubleRequest } from './double/answers.ts'
export type { Behaviour, Endpoint } from './double/behaviour.ts'
export type { DoubleAssertion, DoubleClient } from './double/client-authentication.ts'

/** A running double. */
export interface Double {
  readonly issuer: string
  /** Every request so far, read whole. */
  readonly requests: readonly DoubleRequest[]
  /** Every client assertion so far, decoded. */
  readonly assertions: readonly DoubleAssertion[]
  /** The knobs. Change members; they apply to the answers that follow. */
  readonly behave: Behaviour
  /** The keys that sign now, private halves included. */
  readonly keys: readonly SigningKey[]
  registerClient(client: DoubleClient): void
  /** Accepts clients that are not registered, without verifying their assertions. */
  trustAnyClient(): void
  /** The requests of one endpoint. */
  requestsTo(endpoint: Endpoint): readonly DoubleRequest[]
  /** Signs with, and publishes, new keys only. */
  rotateKeys(): Promise<void>
  /** Makes the double honest again and forgets its logs; clients, codes and tokens stay. */
  reset(): void
  /** Stops listening and drops every connection. */
  pause(): Promise<void>
  /** Listens again on the same port. */
  resume(): Promise<void>
  close(): Promise<void>
}

const paths: { readonly [endpoint in Endpoint]: string } = {
  discovery: '/.well-known/openid-configuration',
  jwks: '/jwks',
  authorization: '/authorize',
  pushed_authorization_request: '/par',
  token: '/token',
  userinfo: '/userinfo',
  revocation: '/revoke',
  introspection: '/introspect',
  end_session: '/logout',
}

const bodyLimit = 1024 * 1024

/** Starts a double on 127.0.0.1. */
export async function startDouble(options: { readonly port?: number } = {}): Promise<Double> {
  const server = createServer((req, res) => void serve(req, res).catch(() => res.destroy()))
  server.keepAliveTimeout = 0

  async function open(port: number): Promise<void> {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }

  async function shut(): Promise<void> {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }

  const { port = await listenOnOurs(server) } = options
  if (!server.listening) await open(port)
  const issuer = `http://127.0.0.1:${port}`
  const behave = honestBehaviour()
  const requests: DoubleRequest[] = []
  const clients = createDoubleClients([issuer, `${issuer}${paths.token}`])
  const authorization = createAuthorization(issuer, clients.has)
  let keys = await generateSigningKeys()

  async function rotateKeys(): Promise<void> {
    keys = await generateSigningKeys()
  }

  const tokens = createTokens({ issuer, authorization, keys: () => keys, rotate: rotateKeys })

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const request = await readRequest(req, issuer)
    const { endpoint } = request
    requests.push(request)
    if (endpoint === undefined) return write(res, errorAnswer('not_found', undefined, 404))
    if (behave.drop[endpoint]) return void req.socket.destroy()
    if (behave.hang[endpoint]) return
    const delay = behave.delay[endpoint]
    if (delay !== undefined) await setTimeout(delay)
    write(res, forced(endpoint) ?? (await answer(request, endpoint)))
  }

  /** What a knob has an endpoint answer, whatever was asked. */
  function forced(endpoint: Endpoint): DoubleAnswer | undefined {
    const location = behave.redirect[endpoint]
    if (location !== undefined) return redirectAnswer(location, 302)
    const raw = behave.raw[endpoint] ?? rawOf(endpoint)
    if (raw === undefined) return undefined
    const { status = 200, body = '', headers = {} } = raw
    const contentType = raw.contentType ?? (/^\s*</.test(body) ? 'text/html' : 'application/json')
    return { status, body, headers: { 'content-type': contentType, ...headers } }
  }

  function rawOf(endpoint: Endpoint): Behaviour['raw'][Endpoint] {
    const { discoveryStatus, discoveryBody, tokenStatus, tokenBody, tokenError } = behave
    if (endpoint === 'discovery') return defined(discoveryStatus, discoveryBody)
    if (endpoint !== 'token') return undefined
    if (tokenError === undefined) return defined(tokenStatus, tokenBody)
    const usual = tokenError.error === 'invalid_client' ? 401 : 400
    return { status: tokenStatus ?? usual, body: JSON.stringify(tokenError) }
  }

  async function answer(request: DoubleRequest, endpoint: Endpoint): Promise<DoubleAnswer> {
    switch (endpoint) {
      case 'discovery':
        return jsonAnswer(behave.metadata?.(metadata(issuer)) ?? metadata(issuer))
      case 'jwks': {
        const published = keys.map(({ publicJwk }) => publicJwk)
        return jsonAnswer({ keys: behave.jwks?.(published) ?? published })
      }
      case 'authorization':
        return authorization.authorize(request.query, behave)
      case 'userinfo':
        return tokens.userinfo(request, behave)
      case 'end_session': {
        const params = request.method === 'POST' ? request.form : request.query
        const target = params.get('post_logout_redirect_uri')
        if (target === null) return { status: 200, headers: {}, body: 'signed out' }
        const url = new URL(target)
        const state = params.get('state')
        if (state !== null) url.searchParams.set('state', state)
        return redirectAnswer(url.href)
      }
      default:
        return answerClient(request, endpoint)
    }
  }

  async function answerClient(request: DoubleRequest, endpoint: Endpoint): Promise<DoubleAnswer> {
    if (request.method !== 'POST') return errorAnswer('invalid_request', 'POST only', 405)
    const { form, headers } = request
    const credentials = { endpoint, form, ...pick(headers.authorization) }
    const isChecked = behave.checkClientAuthentication
    const result = await clients.authenticate(credentials, { isChecked })
    if ('fault' in result) return errorAnswer('invalid_client', result.fault)
    const { clientId } = result
    switch (endpoint) {
      case 'pushed_authorization_request':
        return authorization.push(form, clientId)
      case 'introspection':
        return tokens.introspect(form, clientId)
      case 'revocation':
        return tokens.revoke(form, clientId, behave)
      default:
        return tokens.token(form, clientId, behave)
    }
  }

  return {
    issuer,
    requests,
    assertions: clients.assertions,
    behave,
    get keys() {
      return keys
    },
    registerClient: clients.register,
    trustAnyClient: clients.trustAny,
    requestsTo: (endpoint) => requests.filter((request) => request.endpoint === endpoint),
    rotateKeys,
    reset() {
      for (const name of Object.keys(behave)) Reflect.deleteProperty(behave, name)
      Object.assign(behave, honestBehaviour())
      requests.length = 0
      clients.assertions.length = 0
    },
    pause: shut,
    async resume() {
      if (!server.listening) await open(port)
    },
    close: shut,
  }
}

function defined(status: number | undefined, body: string | undefined): Behaviour['raw'][Endpoint] {
  if (status === undefined && body === undefined) return undefined
  return { status: status ?? 200, body: body ?? '{}' }
}

function pick(authorization: string | undefined): { readonly authorization?: string } {
  return authorization === undefined ? {} : { authorization }
}

async function readRequest(req: IncomingMessage, issuer: string): Promise<DoubleRequest> {
  const { pathname, searchParams } = new URL(req.url ?? '/', issuer)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > bodyLimit) throw new RangeError('the request body is too large')
    chunks.push(chunk)
  }
  const endpoint = (Object.keys(paths) as Endpoint[]).find((name) => paths[name] === pathname)
  return {
    method: req.method ?? 'GET',
    path: pathname,
    endpoint,
    query: searchParams,
    headers: req.headers,
    form: new URLSearchParams(Buffer.concat(chunks).toString()),
    time: Date.now(),
  }
}

function write(res: ServerResponse, { status, headers, body }: DoubleAnswer): void {
  if (res.destroyed) return
  res.writeHead(status, headers)
  res.end(body)
}

function metadata(issuer: string): Record<string, unknown> {
  const methods = ['private_key_jwt', 'client_secret_basic', 'client_secret_post', 'none']
  const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA']
  return {
    issuer,
    authorization_endpoint: `${issuer}${paths.authorization}`,
    token_endpoint: `${issuer}${paths.token}`,
    pushed_authorization_request_endpoint: `${issuer}${paths.pushed_authorization_request}`,
    userinfo_endpoint: `${issuer}${paths.userinfo}`,
    revocation_endpoint: `${issuer}${paths.revocation}`,
    introspection_endpoint: `${issuer}${paths.introspection}`,
    end_session_endpoint: `${issuer}${paths.end_session}`,
    jwks_uri: `${issuer}${paths.jwks}`,
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'form_post'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: algorithms,
    token_endpoint_auth_methods_supported: methods,
    token_endpoint_auth_signing_alg_values_supported: algorithms,
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  }
}
