/**
 * A real OpenID Provider on this machine, for tests, demos and development: oidc-provider, set up to
 * be strict with client assertions, and with controls that a test wants.
 *
 * @module
 */

import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JWK } from 'jose'
import { type Account, defaultAccounts } from './account.ts'
import {
  type ClientEndpoint,
  createAssertionCheck,
  type SeenAssertion,
} from './client-assertion.ts'
import { endpointPaths } from './endpoint-paths.ts'
import { createEngine, type Engine } from './engine.ts'
import { listen } from './listener.ts'
import { type LogoutTokenOptions, sendLogoutToken, signLogoutToken } from './logout-token.ts'
import { sendPage, setPageHeaders } from './page.ts'
import { homePage } from './pages.ts'
import { createProviderClients, type ProviderClient } from './provider-client.ts'
import { generateProviderKeys } from './provider-keys.ts'
import { buildReplay, readBody } from './request-body.ts'
import type { SeenTokenRequest } from './seen-token-request.ts'
import { createSignIn } from './sign-in.ts'
import type { SignInAnswer, SignInOptions } from './sign-in-answer.ts'
import { endSessionsOf } from './sign-out.ts'
import type { LogoutDelivery, SignOutOptions } from './sign-out-answer.ts'
import { createStorage } from './storage.ts'
import type { TokenOptions } from './token-options.ts'

/** How a local provider is started. Everything has a default. */
export interface ProviderOptions {
  /** On 127.0.0.1. Default 0: any free one. */
  readonly port?: number
  /** The Relying Parties. More can be added with `addClient`. */
  readonly clients?: readonly ProviderClient[]
  /** Who can sign in. Default: Ada Lovelace, Grace Hopper and Alan Turing. */
  readonly accounts?: readonly Account[]
  /**
   * `page` (default) shows a sign-in page. `auto` signs in at once, without a page: who `signInAs`
   * named, else the `login_hint`, else the first account.
   */
  readonly interaction?: 'page' | 'auto'
  readonly tokens?: TokenOptions
  /** The supported `acr_values`. Default `['basic', 'strong']`. */
  readonly acrValues?: readonly string[]
  /**
   * Whether a client assertion must have the issuer as its one string `aud`, `exp` at most 60 seconds
   * ahead, `iat`, a `jti` used once and the `kid` of a registered key. Default `true`.
   */
  readonly strict?: boolean
  /** Told of every refusal and failure, in a sentence. Without it, nothing is printed anywhere. */
  readonly onLog?: (line: string) => void
}

/** One request that reached the provider. */
export interface SeenRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
}

/** A running local provider. */
export interface Provider {
  /** The Issuer Identifier, `http://127.0.0.1:<port>`. */
  readonly issuer: string
  /** Every client assertion so far, decoded, without its signature. */
  readonly assertions: readonly SeenAssertion[]
  /** Every request so far. */
  readonly requests: readonly SeenRequest[]
  /** The last 10,000 requests at the token endpoint, the refused ones too. */
  readonly tokenRequests: readonly SeenTokenRequest[]
  /** Registers a client, or replaces the one with the same `clientId`. */
  addClient(client: ProviderClient): Promise<void>
  /** Adds somebody who can sign in, or replaces the one with the same `sub`. */
  addAccount(account: Account): void
  /** In `auto` mode, who signs in at the next login that asks. Calls queue up. */
  signInAs(sub: string, options?: SignInOptions): void
  /** In `auto` mode, the next login that asks is answered with this error. Calls queue up. */
  refuse(error?: string, error_description?: string): void
  /** Ends every End-User's session at the provider and tells no client; tokens stay valid. */
  endSessions(): void
  /**
   * Signs an End-User out as an administrator of the provider does: every session of theirs ends, and
   * each client with a `backchannelLogoutUri` is sent a Logout Token for each login. Tokens stay valid
   * unless they are revoked. Resolves to what was sent, once all clients have answered or failed to.
   */
  signOut(sub: string, options?: SignOutOptions): Promise<readonly LogoutDelivery[]>
  /**
   * Sends one Logout Token, right or wrong, and resolves to the client's response; no session ends
   * here. Such tokens are this package's own, where `signOut` and the End-User's logout send
   * oidc-provider's: for what that would not send, such as a token with a `sub` and no `sid`.
   *
   * @throws TypeError for a client without a `backchannelLogoutUri`
   */
  sendLogoutToken(options: LogoutTokenOptions): Promise<Response>
  /**
   * Signs with new keys from now on. The old ones stay in the JWK Set, so that older ID Tokens can
   * still be verified, unless they are retired.
   */
  rotateKeys(options?: { readonly retire?: boolean }): Promise<void>
  /** Stops listening and drops every connection: the provider is down. */
  pause(): Promise<void>
  /** Listens again, on the same port and with everything it knew. */
  resume(): Promise<void>
  close(): Promise<void>
}

/** A demo may run for weeks. */
const maxTokenRequests = 10_000

const clientEndpoints = new Map<string, ClientEndpoint>([
  [endpointPaths.token, 'token'],
  [endpointPaths.pushed_authorization_request, 'pushed_authorization_request'],
  [endpointPaths.revocation, 'revocation'],
  [endpointPaths.introspection, 'introspection'],
])

/**
 * Starts an OpenID Provider on 127.0.0.1.
 *
 * @example
 * const { privateKeyPem, jwks } = await generateClientKey()
 * const provider = await startProvider({
 *   interaction: 'auto',
 *   clients: [{ clientId: 'app', jwks, redirectUris: ['http://localhost:3000/callback'] }],
 * })
 */
export async function startProvider(options: ProviderOptions = {}): Promise<Provider> {
  const log = options.onLog ?? (() => {})
  const listed = options.accounts ?? defaultAccounts
  const accounts = new Map(listed.map((account) => [account.sub, account]))
  const answers: SignInAnswer[] = []
  const assertions: SeenAssertion[] = []
  const requests: SeenRequest[] = []
  const tokenRequests: SeenTokenRequest[] = []
  const storage = createStorage()
  const clients = createProviderClients(storage)

  const listener = await listen(options.port ?? 0)
  const issuer = `http://127.0.0.1:${listener.port}`
  const mode = options.interaction ?? 'page'
  const cookieKeys = [randomBytes(32).toString('base64url')]

  function buildEngine(keys: readonly JWK[]): Engine {
    return createEngine({
      issuer,
      keys,
      storage,
      cookieKeys,
      cookiePrefix: `provider_${listener.port}_`,
      tokens: options.tokens ?? {},
      acrValues: options.acrValues ?? ['basic', 'strong'],
      findAccount: (sub) => accounts.get(sub),
      skipLogoutPage: mode === 'auto',
      log,
      onTokenRequest,
    })
  }

  function onTokenRequest(request: SeenTokenRequest): void {
    tokenRequests.push(request)
    if (tokenRequests.length > maxTokenRequests) tokenRequests.shift()
  }

  let keys = await generateProviderKeys()
  let engine = buildEngine(keys)
  const check = createAssertionCheck({ issuer, clients, strict: options.strict ?? true })
  const nextAnswer = () => answers.shift()
  const signIn = createSignIn({ engine: () => engine.provider, accounts, listed, mode, nextAnswer })

  // One after the other: two that present the same refresh token at once could both find it unused
  let lastTurn: Promise<void> = Promise.resolve()
  function inTurn(handle: () => Promise<void>): Promise<void> {
    const turn = lastTurn.then(handle)
    lastTurn = turn.catch(() => {})
    return turn
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const method = req.method ?? 'GET'
    const { pathname, searchParams } = new URL(req.url ?? '/', issuer)
    requests.push({ method, path: pathname })
    setPageHeaders(res)
    if (pathname.startsWith('/sign-in/')) return signIn(req, res)
    if (pathname === '/') return sendPage(res, 200, homePage(issuer))
    // Where nobody is asked, the confirmation of a logout comes as a redirect.
    if (method === 'GET' && pathname === `${endpointPaths.end_session}/confirm`) {
      return engine.handle(buildReplay(req, searchParams, 'POST'), res)
    }
    const endpoint = clientEndpoints.get(pathname)
    if (method !== 'POST' || endpoint === undefined) return engine.handle(req, res)
    const body = await readBody(req)
    const form = new URLSearchParams(body.toString())
    const seen = await check(form, endpoint)
    if (seen !== undefined) assertions.push(seen)
    if (seen?.refusal === undefined) {
      const handle = () => engine.handle(buildReplay(req, body), res)
      return endpoint === 'token' ? inTurn(handle) : handle()
    }
    const { refusal, payload } = seen
    if (endpoint === 'token') {
      const grantType = form.get('grant_type') ?? undefined
      onTokenRequest({ grantType, clientId: payload.iss, error: 'invalid_client', refusal })
    }
    log(`${endpoint}: invalid_client: ${refusal}`)
    return sendInvalidClient(res, refusal)
  }

  try {
    for (const client of options.clients ?? []) await addClient(client)
  } catch (error) {
    await listener.close()
    throw error
  }
  listener.serve((req, res) => {
    answer(req, res).catch((error: unknown) => {
      log(`${req.method} ${req.url?.split('?')[0]}: ${error}`)
      if (!res.headersSent) res.statusCode = error instanceof RangeError ? 413 : 500
      res.end()
    })
  })

  async function addClient(client: ProviderClient): Promise<void> {
    await clients.add(client)
    await engine.checkClient(client.clientId)
  }

  return {
    issuer,
    assertions,
    requests,
    tokenRequests,
    addClient,
    addAccount: (account) => void accounts.set(account.sub, account),
    signInAs(sub, how = {}) {
      if (!accounts.has(sub)) throw new TypeError(`no account has the sub "${sub}"`)
      answers.push({ sub, ...how })
    },
    refuse(error = 'access_denied', error_description = 'the End-User refused') {
      answers.push({ error, error_description })
    },
    endSessions: () => storage.clear('Session'),
    signOut: (sub, how) => endSessionsOf(sub, { ...how, provider: engine.provider, storage }),
    async sendLogoutToken(options) {
      const client = clients.find(options.clientId)
      const alg = client?.idTokenAlg ?? 'RS256'
      const key = keys.find((candidate) => candidate.alg === alg)
      if (!client || !key) throw new TypeError(`no client has the id "${options.clientId}"`)
      return sendLogoutToken(client, await signLogoutToken(options, { issuer, key }))
    },
    async rotateKeys({ retire = false } = {}) {
      const fresh = await generateProviderKeys()
      keys = retire ? fresh : [...fresh, ...keys]
      engine = buildEngine(keys)
    },
    pause: listener.pause,
    resume: listener.resume,
    close: listener.close,
  }
}

function sendInvalidClient(res: ServerResponse, error_description: string): void {
  res.statusCode = 401
  res.setHeader('content-type', 'application/json; charset=utf-8')
  res.setHeader('cache-control', 'no-store')
  res.end(JSON.stringify({ error: 'invalid_client', error_description }))
}
