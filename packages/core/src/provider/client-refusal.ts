/**
 * Client Authentications that a provider refuses, caught where they are sent: only there the request is
 * known that was refused. What is told of it is the header and the claims of its assertion, and why it
 * may have been refused; never its signature, nor anything else that it carried.
 *
 * @see RFC 6749, 5.2 (invalid_client)
 *
 * @module
 */

import { decodeJwt, decodeProtectedHeader } from 'jose'
import type { Clock } from '../base/clock.ts'
import { isObject } from '../base/objects.ts'
import type { ErrorCode } from '../error-texts.ts'
import type { ClientRefusal, ProviderError } from '../errors.ts'
import type { Fetch, FetchInit } from '../http/fetch.ts'
import { copyBounded } from './bounded-copy.ts'
import { isKnownOfClients } from './known-refusals.ts'
import type { Preset } from './preset.ts'
import { buildRefusal } from './protocol-error.ts'
import { findRefusalCauses } from './refusal-causes.ts'
import { readAuthorization, readSecrets, removeFrom } from './sent-secrets.ts'

/** The endpoints at which a client authenticates, and what the provider lists for it. */
export interface ClientEndpoints {
  readonly issuer: string
  readonly token_endpoint: string
  readonly pushed_authorization_request_endpoint?: string | undefined
  readonly revocation_endpoint?: string | undefined
  readonly introspection_endpoint?: string | undefined
  readonly token_endpoint_auth_methods_supported?: readonly string[] | undefined
  readonly token_endpoint_auth_signing_alg_values_supported?: readonly string[] | undefined
}

/** What explaining a refusal takes. */
export interface RefusalSettings {
  readonly clientId: string
  readonly preset?: Preset | undefined
  readonly fetch: Fetch
  readonly clock: Clock
}

/** The command that looks further than an error can. */
const command = 'npx countersign doctor --probe'

/** What an error response of an endpoint says. @see RFC 6749, 5.2 */
interface Words {
  readonly error: string | undefined
  readonly description: string | undefined
  /** All that the provider says, for known texts. */
  readonly text: string
}

/**
 * Creates a `fetch` that throws where the provider refuses the client, with the reasons that there may
 * be. Every other response is handed on as it came.
 */
export function createClientFetch(server: ClientEndpoints, settings: RefusalSettings): Fetch {
  const { fetch, clock } = settings
  const endpoints = readEndpoints(server)
  return async (url, init) => {
    const endpoint = endpoints.get(url)
    if (endpoint === undefined) return await fetch(url, init)
    const begun = clock.now()
    const response = await fetch(url, init)
    if (response.status < 400 || response.status >= 500) return response
    // A copy: what is no refusal is read by openid-client as it came
    const words = readWords(await response.clone().text(), response)
    const form = readForm(init.body)
    const secrets = readSecrets(form, init.headers)
    if (!isRefusal(words, response.status)) return await removeFrom(response, secrets)
    const times = { begun, ended: clock.now() }
    throw refuse({ server, settings, endpoint, form, secrets, init, response, words, times })
  }
}

/** What refused, and what it is called in the errors of its requests. */
interface ClientEndpoint {
  readonly url: string
  readonly code: ErrorCode
}

function readEndpoints(server: ClientEndpoints): ReadonlyMap<string, ClientEndpoint> {
  const others = [
    server.pushed_authorization_request_endpoint,
    server.revocation_endpoint,
    server.introspection_endpoint,
  ]
  const endpoints = new Map<string, ClientEndpoint>()
  const add = (url: unknown, code: ErrorCode) => {
    // As openid-client writes a URL, whatever the metadata has
    if (typeof url !== 'string' || !URL.canParse(url)) return
    endpoints.set(new URL(url).href, { url, code })
  }
  for (const url of others) add(url, 'ERR_PROVIDER_RESPONSE')
  add(server.token_endpoint, 'ERR_TOKEN_RESPONSE')
  return endpoints
}

function readWords(body: string, { headers }: Response): Words {
  const answer = parse(body)
  const read = (name: string) => {
    const value = answer?.[name]
    return typeof value === 'string' ? value : undefined
  }
  // RFC 6749, 5.2: a 401 has a challenge, and some providers put the error there instead
  const challenge = headers.get('www-authenticate')?.slice(0, 4096) ?? ''
  const error = read('error') ?? /\berror="([^"]*)"/.exec(challenge)?.[1]
  const description =
    read('error_description') ?? /\berror_description="([^"]*)"/.exec(challenge)?.[1]
  const text = `${description ?? ''} ${read('error_uri') ?? ''}`
  return { error, description, text }
}

/** Whether it is the client that is refused, and not what it asks for. */
function isRefusal({ error, text }: Words, status: number): boolean {
  if (error === undefined) return status === 401
  if (error === 'invalid_client') return true
  // Entra and older Keycloaks have other words for it
  const isOther = error === 'unauthorized_client' || error === 'invalid_request'
  return isOther && isKnownOfClients(text)
}

function refuse({
  server,
  settings,
  endpoint,
  form,
  secrets,
  init,
  response,
  words,
  times,
}: {
  readonly server: ClientEndpoints
  readonly settings: RefusalSettings
  readonly endpoint: ClientEndpoint
  readonly form: URLSearchParams
  readonly secrets: readonly string[]
  readonly init: FetchInit
  readonly response: Response
  readonly words: Words
  readonly times: { readonly begun: number; readonly ended: number }
}): ProviderError {
  const { assertion, isSecret } = readAssertion(form)
  const header = assertion?.header ?? {}
  const claims = assertion?.claims ?? {}
  const { now, skew } = readClock(response, times)
  const causes = findRefusalCauses({
    method: readMethod(init, form, { header: assertion?.header, isSecret }),
    header,
    claims,
    clientId: settings.clientId,
    formClientId: form.get('client_id') ?? undefined,
    issuer: server.issuer,
    tokenEndpoint: server.token_endpoint,
    endpoint: endpoint.url,
    listedMethods: readList(server.token_endpoint_auth_methods_supported, /^[a-z_]{2,40}$/),
    listedAlgs: readList(server.token_endpoint_auth_signing_alg_values_supported, /^[\w-]{2,12}$/),
    preset: settings.preset,
    untrustedText: words.text,
    now,
    skew,
  })
  const refusal: ClientRefusal = {
    ...(assertion && { header: copyBounded(header), claims: copyBounded(claims) }),
    causes,
    command,
  }
  return buildRefusal(refusal, {
    code: endpoint.code,
    endpoint: endpoint.url,
    error: words.error,
    description: words.description,
    secrets,
  })
}

/** The assertion that the request carried, decoded: what is not to be seen is left behind here. */
function readAssertion(form: URLSearchParams): {
  readonly assertion?: {
    readonly header: Readonly<Record<string, unknown>>
    readonly claims: Readonly<Record<string, unknown>>
  }
  readonly isSecret: boolean
} {
  const sent = form.get('client_assertion')
  const isSecret = sent === null
  const jws = sent ?? form.get('client_secret')
  if (jws === null) return { isSecret }
  try {
    const header: unknown = decodeProtectedHeader(jws)
    return isObject(header)
      ? { assertion: { header, claims: decodeJwt(jws) }, isSecret }
      : { isSecret }
  } catch {
    return { isSecret }
  }
}

function readMethod(
  { headers }: FetchInit,
  form: URLSearchParams,
  {
    header,
    isSecret,
  }: {
    readonly header: Readonly<Record<string, unknown>> | undefined
    readonly isSecret: boolean
  },
): string {
  if (form.has('client_assertion')) {
    const alg = header?.['alg']
    return typeof alg === 'string' && alg.startsWith('HS') ? 'client_secret_jwt' : 'private_key_jwt'
  }
  if (header && isSecret) return 'signed_client_secret'
  if (form.has('client_secret')) return 'client_secret_post'
  return readAuthorization(headers) === undefined ? 'none' : 'client_secret_basic'
}

/** Seconds beyond which a `Date` header is no clock: a cache's, or a joke. */
const maxPlausibleSkew = 366 * 24 * 3600

/** What the provider's clock says, as far as it says so. @see RFC 9110, 6.6.1 */
function readClock(
  { headers }: Response,
  { begun, ended }: { readonly begun: number; readonly ended: number },
): { readonly now: number; readonly skew: number } {
  const date = headers.get('date')
  const now = date === null ? Number.NaN : Math.floor(Date.parse(date) / 1000)
  if (!(Math.abs(now - ended) <= maxPlausibleSkew)) return { now: ended, skew: 0 }
  // Anywhere between the request and the response it is right
  if (now < begun) return { now, skew: now - begun }
  return { now, skew: Math.max(now - ended, 0) }
}

function readForm(body: FetchInit['body']): URLSearchParams {
  return typeof body === 'string' || body instanceof URLSearchParams
    ? new URLSearchParams(body)
    : new URLSearchParams()
}

/** The names in a list of the provider's: what has another form is no name that anybody registers. */
function readList(untrusted: unknown, form: RegExp): readonly string[] | undefined {
  if (!Array.isArray(untrusted)) return undefined
  return untrusted.filter((name): name is string => typeof name === 'string' && form.test(name))
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
