/**
 * URLs of ours: the base that everything is resolved on, and paths that are safe to return to.
 *
 * @module
 */

/** The configured `baseUrl`, taken apart once. */
export interface BaseUrl {
  readonly origin: string
  readonly host: string
  /** The path without a trailing slash: `''` or `/app`. */
  readonly path: string
  /** Where an End-User lands who came from nowhere: `/` or `/app/`. */
  readonly home: string
  readonly isHttps: boolean
}

/** Takes a URL apart. The caller has checked that it is http(s) without query and fragment. */
export function buildBaseUrl(url: URL): BaseUrl {
  const path = url.pathname.replace(/\/+$/, '')
  return {
    origin: url.origin,
    host: url.host,
    path,
    home: `${path}/`,
    isHttps: url.protocol === 'https:',
  }
}

/** Whether plain http to this host never leaves the machine. */
export function isLoopback({ hostname }: Pick<URL, 'hostname'>): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)
}

/** A return target longer than this would crowd out the cookies it is kept in. */
const maxReturnTo = 1024

// A browser strips tab, CR and LF inside a URL and reads a backslash as a slash (WHATWG URL, 4.4):
// a string that holds one of them, plain or encoded, may mean another place to the next reader.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const ambiguous = /[\\\u0000-\u001f\u007f]|%(?:0[0-9a-f]|1[0-9a-f]|7f|5c)/i
const encodedSlash = /^\/(?:%2f|%252f)/i

/**
 * Reads a place to return to: a path on our own origin. Whatever else it is, an open redirect it is
 * not: anything in doubt ends at home.
 *
 * @see RFC 9700, 4.11 (open redirection)
 */
export function readReturnTo(untrusted: string | undefined, base: BaseUrl): string {
  if (untrusted === undefined || untrusted === '' || untrusted.length > maxReturnTo) {
    return base.home
  }
  if (ambiguous.test(untrusted) || encodedSlash.test(untrusted)) return base.home
  const url = parse(untrusted, base.origin + base.home)
  if (!url || url.origin !== base.origin || url.username !== '' || url.password !== '') {
    return base.home
  }
  const path = url.pathname + url.search + url.hash
  // "/.//host" has an honest origin, but its normalised path is a network-path reference
  // "blob:" URLs have our origin, and no path
  const isPath = path.startsWith('/') && !path.startsWith('//') && path.length <= maxReturnTo
  return isPath && !encodedSlash.test(path) ? path : base.home
}

function parse(url: string, base: string): URL | undefined {
  try {
    return new URL(url, base)
  } catch {
    return undefined
  }
}
