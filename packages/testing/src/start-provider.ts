/**
 * A real OpenID Provider on this machine, for tests, demos and development: oidc-provider, set up to
 * be strict with client assertions, and with controls that a test wants.
 *
 * @module
 */

import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JWK } from 'jose'
import { defaultAccounts } from './account.ts'
import {
  type AssertionCheck,
  createAssertionCheck,
  type SeenAssertion,
} from './client-assertion.ts'
import { type ClientCheck, createClientEndpoints, findClientEndpoint } from './client-endpoints.ts'
import { createEmulator } from './emulator.ts'
import { endpointPaths } from './endpoint-paths.ts'
import { createEngine, type Engine } from './engine.ts'
import { listen } from './listener.ts'
import { sendLogoutToken, signLogoutToken } from './logout-token.ts'
import { sendPage, setPageHeaders } from './page.ts'
import { homePage } from './pages.ts'
import { escapeLine } from './print-line.ts'
import type { Provider, ProviderOptions, SeenRequest } from './provider.ts'
import type { ProviderClient } from './provider-client.ts'
import { createProviderClients, plainRegistration } from './provider-clients.ts'
import { generateProviderKeys } from './provider-keys.ts'
import { addRecent } from './recent.ts'
import { buildReplay } from './request-body.ts'
import { isMisspelt, readTarget } from './request-path.ts'
import type { SeenTokenRequest } from './seen-token-request.ts'
import { createSignIn } from './sign-in.ts'
import type { SignInAnswer } from './sign-in-answer.ts'
import { endSessionsOf } from './sign-out.ts'
import { createStorage } from './storage.ts'

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
  const emulator =
    options.preset === undefined ? undefined : createEmulator(options.preset, options.onLog)
  const log = emulator?.log ?? ((line: string): void => void options.onLog?.(escapeLine(line)))
  const listed = options.accounts ?? defaultAccounts
  const accounts = new Map(listed.map((account) => [account.sub, account]))
  const answers: SignInAnswer[] = []
  const assertions: SeenAssertion[] = []
  const requests: SeenRequest[] = []
  const tokenRequests: SeenTokenRequest[] = []
  const storage = createStorage()
  const registration = emulator?.registration ?? plainRegistration
  const clients = createProviderClients(storage, registration)

  const listener = await listen(options.port ?? 0)
  const origin = `http://127.0.0.1:${listener.port}`
  const issuer = `${origin}${emulator?.issuerPath ?? ''}`
  const mountPath = new URL(issuer).pathname.replace(/\/$/, '')
  const mode = options.interaction ?? 'page'
  const cookieKeys = [randomBytes(32).toString('base64url')]

  function buildEngine(keys: readonly JWK[]): Engine {
    return createEngine({
      issuer,
      mountPath,
      extraParameters: emulator?.extraParameters ?? {},
      prompts: emulator?.prompts ?? [],
      dress: emulator?.dress ?? (() => {}),
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
    addRecent(tokenRequests, request)
  }

  let keys = await generateProviderKeys()
  let engine = buildEngine(keys)
  const strict = options.strict ?? true
  const answerClient = createClientEndpoints({
    check:
      emulator?.createClientCheck({ issuer, clients }) ??
      createPlainCheck(createAssertionCheck({ issuer, clients, strict }), log),
    handle: (req, res) => engine.handle(req, res),
    onAssertion: (assertion) => addRecent(assertions, assertion),
    onFormFault:
      emulator?.refuseForm ?? ((endpoint, fault) => log(`${endpoint}: invalid_request: ${fault}`)),
    onTokenRequest,
  })
  const signIn = createSignIn({
    engine: () => engine.provider,
    accounts,
    listed,
    mode,
    mountPath,
    nextAnswer: () => answers.shift(),
  })

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const method = req.method ?? 'GET'
    const target = readTarget(req.url)
    if (target === undefined) return sendNothing(res, 400)
    addRecent(requests, { method, path: target.pathname })
    setPageHeaders(res)
    if (emulator?.refuseRequest(req, res)) return
    if (target.pathname === '/') return sendPage(res, 200, homePage(issuer))
    if (!target.pathname.startsWith(`${mountPath}/`)) return sendNothing(res, 404)
    const pathname = target.pathname.slice(mountPath.length)
    if (isMisspelt(pathname)) return sendNothing(res, 404)
    // As a framework does that oidc-provider is mounted in
    if (mountPath !== '') {
      Object.assign(req, { originalUrl: req.url, url: `${pathname}${target.search}` })
    }
    if (pathname.startsWith('/sign-in/')) return signIn(req, res)
    // Where nobody is asked, the confirmation of a logout comes as a redirect.
    if (method === 'GET' && pathname === `${endpointPaths.end_session}/confirm`) {
      return engine.handle(buildReplay(req, target.query, 'POST'), res)
    }
    const endpoint = method === 'POST' ? findClientEndpoint(pathname) : undefined
    return endpoint === undefined ? engine.handle(req, res) : answerClient(req, res, endpoint)
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
    refusals: emulator?.refusals ?? [],
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
      const alg = client && registration.readIdTokenAlg(client)
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

/** Says in the log what the check found. */
function createPlainCheck(check: AssertionCheck, log: (line: string) => void): ClientCheck {
  return async function checkAndLog({ form, endpoint }) {
    const { seen, refusal } = await check(form, endpoint)
    if (refusal === undefined) return { seen }
    log(`${endpoint}: invalid_client: ${refusal}`)
    return { seen, refusal, clientId: seen?.payload.iss }
  }
}

function sendNothing(res: ServerResponse, status: 400 | 404): void {
  res.statusCode = status
  res.end()
}
