/**
 * A browser for tests, as far as HTTP goes: cookies, navigations with the headers Chrome sends,
 * redirects, and pages that submit themselves.
 *
 * @module
 */

import { Agent, type IncomingHttpHeaders } from 'node:http'
import { type Cookie, CookieJar } from 'tough-cookie'
import {
  buildHeaders,
  cookieContext,
  originOf,
  readSelfSubmittingForm,
  roundTrip,
  type Sending,
  siteOf,
} from './browser-request.ts'

/** One answer, after redirects. */
export interface Page {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The `Set-Cookie` values of this very answer. */
  readonly setCookies: readonly string[]
  readonly text: string
  /** Where the redirects ended. */
  readonly url: string
  /** Every answer on the way, this one last. */
  readonly history: readonly Hop[]
}

/** One request and its answer. */
export interface Hop {
  readonly method: string
  readonly url: string
  readonly status: number
  readonly location: string | undefined
  readonly setCookies: readonly string[]
  /** What was sent, by lower-case name. */
  readonly requestHeaders: { readonly [name: string]: string }
}

/** What goes for every kind of request. */
export interface RequestOptions {
  /** Whether to follow redirects, or how many. Default: up to 20. */
  readonly follow?: boolean | number
  /** Added to, or put in place of, what the browser sends. An empty string leaves one out. */
  readonly headers?: { readonly [name: string]: string }
}

/** What goes for navigations. */
export interface NavigateOptions extends RequestOptions {
  /** The origin of the page whose link was clicked. Default: the URL was typed. */
  readonly from?: string
  /** Whether pages that submit a form by script do so. Default `true`. */
  readonly autoSubmit?: boolean
  /** `document` (default) or `iframe`. */
  readonly destination?: 'document' | 'iframe'
}

/** A browser profile with its cookies and connections. */
export interface UserAgent {
  /** A top-level navigation: a typed URL, or a link with `from`. */
  navigate(url: string, options?: NavigateOptions): Promise<Page>
  /** A form, submitted by a page of `origin`. Default: the URL's own origin. */
  post(
    url: string,
    form: Readonly<Record<string, string>> | URLSearchParams,
    options?: NavigateOptions & { readonly origin?: string },
  ): Promise<Page>
  /** A script's `fetch()` on a page of `origin`. Default: the URL's own origin. */
  fetch(
    url: string,
    options?: RequestOptions & {
      readonly method?: string
      readonly body?: string
      readonly origin?: string
    },
  ): Promise<Page>
  /** The cookies that a same-site request to this URL would carry. */
  cookies(url: string): readonly Cookie[]
  /** Sets a cookie as if `url` had answered with it. */
  setCookie(url: string, value: string): void
  deleteCookie(url: string, name: string): void
  /** Another profile with a copy of the cookies. */
  clone(): UserAgent
  /** Lets go of the connections. */
  close(): void
}

/** How the browser behaves. */
export interface UserAgentOptions {
  /** Whether `Secure` cookies work on http loopback, as in Chrome and Firefox. Default `true`. */
  readonly secureOnLoopback?: boolean
}

/** Creates a profile without cookies. */
export function createUserAgent(options: UserAgentOptions = {}): UserAgent {
  return createWithJar(options, newJar(options))
}

function newJar({ secureOnLoopback = true }: UserAgentOptions): CookieJar {
  return new CookieJar(undefined, {
    allowSecureOnLocal: secureOnLoopback,
    rejectPublicSuffixes: false,
    prefixSecurity: 'silent',
    enforceSecureOriginOnStorage: true,
  })
}

function createWithJar(options: UserAgentOptions, jar: CookieJar): UserAgent {
  const agent = new Agent({ keepAlive: true })

  async function send(url: string, sending: Sending): Promise<Page> {
    const history: Hop[] = []
    const chain: string[] = []
    let current = sending
    let target = new URL(url)
    for (;;) {
      chain.push(target.href)
      const site = siteOf(current.initiator, chain)
      const requestHeaders = buildHeaders(current, site)
      const context = cookieContext(current, site)
      const cookie = jar.getCookieStringSync(target.href, { sameSiteContext: context })
      if (cookie !== '') requestHeaders['cookie'] = cookie
      const answer = await roundTrip(agent, target, { ...current, requestHeaders })
      // A top-level navigation may set SameSite cookies, wherever it came from (RFC 6265bis, 5.7).
      const setting = current.destination === 'document' ? {} : { sameSiteContext: context }
      for (const value of answer.setCookies) {
        jar.setCookieSync(value, target.href, { ignoreError: true, ...setting })
      }
      const { status, location } = answer
      const { setCookies } = answer
      const href = target.href
      history.push({
        method: current.method,
        url: href,
        status,
        location,
        setCookies,
        requestHeaders,
      })

      if (location !== undefined && history.length <= current.follow) {
        target = new URL(location, target)
        if (status !== 307 && status !== 308) current = withoutBody(current)
        continue
      }
      const form = current.autoSubmit ? readSelfSubmittingForm(answer.text) : undefined
      if (form !== undefined && history.length <= current.follow) {
        const initiator = target.origin
        target = new URL(form.action, target)
        chain.length = 0
        current = { ...current, initiator, ...formBody('POST', form.fields) }
        continue
      }
      return { ...answer, url: href, history }
    }
  }

  return {
    navigate: (url, how = {}) =>
      send(url, { ...navigation(how), method: 'GET', initiator: how.from && originOf(how.from) }),
    post: (url, form, how = {}) =>
      send(url, {
        ...navigation(how),
        ...formBody('POST', form),
        initiator: originOf(how.origin ?? how.from ?? url),
      }),
    fetch: (url, how = {}) =>
      send(url, {
        method: how.method ?? 'GET',
        body: how.body,
        mode: 'cors',
        destination: 'empty',
        initiator: originOf(how.origin ?? url),
        headers: how.headers ?? {},
        follow: followed(how.follow),
        autoSubmit: false,
      }),
    cookies: (url) => jar.getCookiesSync(url, { sameSiteContext: 'strict' }),
    setCookie: (url, value) => void jar.setCookieSync(value, url),
    deleteCookie(url, name) {
      for (const { key, domain, path } of jar.getCookiesSync(url)) {
        if (key === name) void jar.store.removeCookie(domain ?? '', path ?? '/', key)
      }
    },
    clone: () => createWithJar(options, jar.cloneSync() ?? newJar(options)),
    close: () => agent.destroy(),
  }
}

function navigation(
  how: NavigateOptions,
): Pick<Sending, 'mode' | 'destination' | 'headers' | 'follow' | 'autoSubmit'> {
  return {
    mode: 'navigate',
    destination: how.destination ?? 'document',
    headers: how.headers ?? {},
    follow: followed(how.follow),
    autoSubmit: how.autoSubmit ?? true,
  }
}

function followed(follow: boolean | number = true): number {
  return typeof follow === 'number' ? follow : follow ? 20 : 0
}

function formBody(
  method: string,
  form: Readonly<Record<string, string>> | URLSearchParams,
): Pick<Sending, 'method' | 'body' | 'contentType'> {
  const body = new URLSearchParams(form).toString()
  return { method, body, contentType: 'application/x-www-form-urlencoded' }
}

function withoutBody(sending: Sending): Sending {
  return { ...sending, method: 'GET', body: undefined, contentType: undefined }
}
