/**
 * What options mean, checked one by one and together. Each check reports all that it finds.
 *
 * @module
 */

import { dropUndefined } from './base/objects.ts'
import { type BaseUrl, buildBaseUrl, isLoopback } from './base/url.ts'
import type { ClientAuthentication } from './client/authentication.ts'
import { hasProxyAgent } from './http/fetch.ts'
import { jwsAlgorithms } from './keys/algorithms.ts'
import { ownParameters } from './login/authentication-request.ts'
import type {
  AssertionOption,
  HttpOption,
  IdTokenAlg,
  Options,
  ProviderOptions,
  RoutesOption,
  SessionOption,
} from './options.ts'

/** Notes a fault. */
export type Report = (path: string, message: string) => void

/** The least length of a secret that keys are derived from: 256 bits, if it is hexadecimal. */
const minSecret = 32

/** Reads the issuer, unnormalised. */
export function readIssuer(issuer: Options['issuer'] | undefined, report: Report): string {
  const text = String(issuer)
  const url = readUrl('issuer', text, report)
  if (!url) return ''
  if (url.search !== '' || url.hash !== '') report('issuer', 'must have no query and no fragment')
  if (url.pathname.includes('/.well-known/')) {
    const head = url.origin + url.pathname.split('/.well-known/', 1)[0]
    report('issuer', `is the issuer identifier, not the metadata's URL: probably "${head}"`)
  }
  // A URL object cannot be without a slash after the host, but an issuer can
  return issuer instanceof URL && url.pathname === '/' ? url.origin : text
}

/** Reads the base URL. */
export function readBaseUrl(
  baseUrl: Options['baseUrl'] | undefined,
  report: Report,
): BaseUrl | undefined {
  const url = readUrl('baseUrl', String(baseUrl), report)
  if (!url) return undefined
  if (url.search !== '' || url.hash !== '') report('baseUrl', 'must have no query and no fragment')
  return buildBaseUrl(url)
}

function readUrl(path: string, text: string, report: Report): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  // A host with a port reads as a URL of another scheme
  if (!url || !/^https?:$/.test(url.protocol)) {
    // What comes before an "@" may be a password
    const shown = text.includes('@') ? 'something else' : `"${text}"`
    const example = text.startsWith('localhost') ? 'http://localhost:3000' : 'https://example.com'
    report(path, `must be an absolute URL such as "${example}", and is ${shown}`)
    return undefined
  }
  if (url.username !== '' || url.password !== '') report(path, 'must hold no user name or password')
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))) return url
  report(
    path,
    'must be https; plain http is for loopback addresses only (localhost, 127.0.0.1, [::1])',
  )
  return undefined
}

/** Reads the secrets; the first one seals. */
export function readSecrets(
  secret: SessionOption['secret'] | undefined,
  report: Report,
): readonly string[] {
  const secrets = [secret ?? []].flat()
  if (secrets.length === 0) report('session.secret', 'must hold at least one secret')
  secrets.forEach((text, index) => {
    const path = secrets.length === 1 ? 'session.secret' : `session.secret[${index}]`
    if (text.length >= minSecret) return
    report(
      path,
      `must have at least ${minSecret} characters, and has ${text.length}: make one with ` +
        '"openssl rand -hex 32"',
    )
  })
  return secrets
}

/** Checks the session's cookie and lifetimes. */
export function checkSession(
  session: SessionOption | undefined,
  baseUrl: BaseUrl | undefined,
  report: Report,
): void {
  const { cookie, idleTimeout = 0, lifetime = Number.POSITIVE_INFINITY } = session ?? {}
  const sameSite: string | undefined = cookie?.sameSite
  if (sameSite === 'strict') {
    report(
      'session.cookie.sameSite',
      'cannot be "strict": such a cookie is not sent on the navigation that comes back from the ' +
        'provider, and the login would never end',
    )
  }
  if (sameSite === 'none' && baseUrl?.isHttps === false) {
    report(
      'session.cookie.sameSite',
      '"none" needs an https "baseUrl": browsers demand Secure with it',
    )
  }
  if (baseUrl && cookie?.domain !== undefined && !isWithin(baseUrl.host, cookie.domain)) {
    report('session.cookie.domain', `must be the host of "baseUrl" or a domain above it`)
  }
  if (baseUrl && cookie?.path !== undefined && !isPathWithin(baseUrl.path, cookie.path)) {
    report(
      'session.cookie.path',
      `must be a part of the path of "baseUrl", or the callback has no cookie`,
    )
  }
  if (idleTimeout > lifetime) {
    report('session.idleTimeout', 'must not be longer than "session.lifetime"')
  }
}

/** Whether a cookie of path `parent` is sent to `path`. @see RFC 6265, 5.1.4 */
function isPathWithin(path: string, parent: string): boolean {
  return `${path}/`.startsWith(parent.endsWith('/') ? parent : `${parent}/`)
}

function isWithin(host: string, domain: string): boolean {
  const name = host.replace(/:\d+$/, '')
  const parent = domain.replace(/^\./, '')
  return name === parent || name.endsWith(`.${parent}`)
}

/** Checks the wire parameters that are known at start. */
export function checkAuthorization(
  { authorization }: Partial<ProviderOptions>,
  report: Report,
): void {
  if (authorization === undefined || typeof authorization === 'function') return
  for (const name of ownParameters) {
    if (name in authorization) report(`authorization.${name}`, 'is made anew for every login')
  }
  for (const [name, value] of Object.entries(authorization)) {
    if (!isData(value))
      report(`authorization.${name}`, 'must be text, a number, a boolean or an object')
  }
  const { scope, response_mode: mode, max_age: maxAge } = authorization
  if (scope !== undefined && !String(scope).split(' ').includes('openid')) {
    report('authorization.scope', 'must contain "openid", or no ID Token is issued')
  }
  if (mode !== undefined && mode !== 'query' && mode !== 'form_post') {
    report('authorization.response_mode', 'must be "query" or "form_post"')
  }
  if (maxAge !== undefined && !(Number.isInteger(Number(maxAge)) && Number(maxAge) >= 0)) {
    report('authorization.max_age', 'must be whole seconds')
  }
}

/** Whether a value can be kept as a copy and sent as JSON. */
function isData(value: unknown): boolean {
  try {
    structuredClone(value)
    return true
  } catch {
    return false
  }
}

const ownClaims = ['iss', 'sub', 'aud', 'jti', 'iat', 'exp']
const ownHeader = ['alg', 'kid', 'typ']

/** Checks that a client assertion's own members are not given twice. */
export function checkAssertion(assertion: AssertionOption | undefined, report: Report): void {
  for (const name of ownClaims) {
    if (assertion?.claims && name in assertion.claims) {
      report(`assertion.claims.${name}`, 'is set for every assertion and cannot be given')
    }
  }
  for (const name of ['claims', 'header'] as const) {
    if (!isData(assertion?.[name]))
      report(`assertion.${name}`, 'must be data that can be sent as JSON')
  }
  for (const name of ownHeader) {
    if (assertion?.header && name in assertion.header) {
      report(
        `assertion.header.${name}`,
        `cannot be given here: use "${name === 'alg' ? 'clientKey[].alg' : `assertion.${name}`}"`,
      )
    }
  }
}

const secretAlgs = ['HS256', 'HS384', 'HS512']

/** Reads the acceptable `alg` values of ID Tokens; none means those of the provider's metadata. */
export function readIdTokenAlgs(
  { idToken, clientAuth }: Partial<ProviderOptions>,
  report: Report,
): readonly string[] | undefined {
  if (idToken?.alg === undefined) return undefined
  const algs: readonly IdTokenAlg[] = [idToken.alg].flat()
  const known: readonly string[] = [...jwsAlgorithms, ...secretAlgs]
  for (const alg of algs.filter((name) => !known.includes(name))) {
    report('idToken.alg', `"${alg}" is not accepted: there are ${known.join(', ')}`)
  }
  if (algs.length === 0) report('idToken.alg', 'must hold at least one algorithm')
  const symmetric = algs.filter((alg) => secretAlgs.includes(alg))
  if (symmetric.length > 0 && readClientSecret(clientAuth) === undefined) {
    report('idToken.alg', `"${symmetric[0]}" needs a client secret ("clientAuth")`)
  }
  // RFC 8725, 3.1: one key, one kind of algorithm
  if (symmetric.length > 0 && symmetric.length < algs.length) {
    report(
      'idToken.alg',
      'must not mix HS* with others: who can read a public key could sign with it',
    )
  }
  return algs
}

/** The client secret, where the RP has one. */
export function readClientSecret(choice: ClientAuthentication | undefined): string | undefined {
  return typeof choice === 'object' && 'secret' in choice ? choice.secret : undefined
}

/** Checks what needs a store, and what a store needs. */
export function checkStores({ session, logout }: Partial<Options>, report: Report): void {
  const { store } = session ?? {}
  const isServer = typeof store === 'object'
  if (session?.maxSessions !== undefined && !isServer) {
    report('session.maxSessions', 'needs "session.store": a cookie does not know of the others')
  }
  if (session?.lock !== undefined && store === undefined && logout?.store === undefined) {
    report(
      'session.lock',
      'needs "session.store" or "logout.store": sessions in their cookies alone share nothing',
    )
  }
  if (logout?.store !== undefined && isServer) {
    report(
      'logout.store',
      'has no use together with "session.store", whose sessions end themselves',
    )
  }
}

/** Where our routes are unless they are told otherwise. */
export const defaultRoutes: Readonly<
  Record<Exclude<keyof RoutesOption, 'callback'>, string | false> & { readonly callback: string }
> = {
  login: '/login',
  callback: '/callback',
  logout: '/logout',
  jwks: '/.well-known/jwks.json',
  backchannelLogout: '/backchannel-logout',
  frontchannelLogout: '/frontchannel-logout',
  session: false,
}

/** Checks that no two routes are the same. */
export function checkRoutes(routes: RoutesOption | undefined, report: Report): void {
  const given = dropUndefined(routes ?? {})
  const untouched = Object.entries(defaultRoutes).filter(([name]) => !(name in given))
  const seen = new Map<unknown, string>(untouched.map(([name, path]) => [path, name]))
  for (const [name, path] of Object.entries(given)) {
    if (typeof path !== 'string') continue
    const other = seen.get(path)
    if (other) report(`routes.${name}`, `is "${path}" already, as "routes.${other}" is`)
    seen.set(path, name)
  }
}

/** Checks how the provider is reached. */
export function checkHttp(http: HttpOption | undefined, report: Report): void {
  if (http?.proxy !== undefined) {
    if (!/^https?:\/\//.test(http.proxy) || !URL.canParse(http.proxy)) {
      report('http.proxy', 'must be a URL such as "http://proxy:3128"')
    }
    if (!hasProxyAgent()) {
      report('http.proxy', 'needs a package that is not installed: npm install https-proxy-agent')
    }
  }
  const certificates = [http?.ca ?? []].flat()
  if (certificates.some((pem) => !pem.includes('-----BEGIN CERTIFICATE-----'))) {
    report('http.ca', 'must be the text of PEM certificates, not a path')
  }
  for (const name of ['ca', 'proxy'] as const) {
    if (http?.fetch && http[name] !== undefined) {
      report(`http.${name}`, 'has no effect together with "http.fetch": set it up there')
    }
  }
}
