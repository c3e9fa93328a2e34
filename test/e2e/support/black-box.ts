/**
 * One fixed list of requests to an app with the pages of the examples, and what it answered. Values that
 * are new each time are masked, so that the transcripts of two apps can be compared field by field.
 *
 * @module
 */

import { createUserAgent, type Page, type UserAgent } from '../../support/user-agent.ts'

/** One answer: `status`, `header …`, `cookie …` and `body`, by name. */
export type Answer = Readonly<Record<string, string>>

/** The answers by the name of the request, in the order in which they came. */
export type Transcript = ReadonlyMap<string, Answer>

/** Writes down an answer under a name. */
type Recorder = (name: string, page: Page | Promise<Page>) => Promise<Page>

const routes = ['/', '/profile', '/api/me', '/login', '/callback', '/logout', '/nowhere']
/** Other ways to write the path of the protected page, or nearly. */
const spellings = ['/profile/', '/PROFILE', '//profile', '/%70rofile', '/%zz']
const jwkSet = '/.well-known/jwks.json'
/** As curl asks: without a word about itself. */
const program = { accept: '*/*', 'sec-fetch-mode': '', 'sec-fetch-dest': '', 'sec-fetch-site': '' }
const manual = { follow: false } as const

/**
 * Sends all requests to the app at this URL. The provider has to sign in without a page.
 *
 * @throws `Error` where the length of an answer is not the announced one.
 */
export async function readTranscript(url: string): Promise<Transcript> {
  const transcript = new Map<string, Answer>()
  const browser = createUserAgent()
  const mask = await createMask(url, browser)
  const record: Recorder = async (name, answer) => {
    if (transcript.has(name)) throw new Error(`two requests are called "${name}"`)
    const page = await answer
    transcript.set(name, readAnswer(page, mask))
    return page
  }
  try {
    await askAnonymous(url, browser, record)
    await askEveryMethod(url, browser, record)
    await askCallback(url, browser, record)
    await signIn(url, browser, record)
    await askSignedIn(url, browser, record)
    await signOut(url, browser, record)
  } finally {
    browser.close()
  }
  return transcript
}

async function askAnonymous(url: string, browser: UserAgent, record: Recorder): Promise<void> {
  for (const path of ['/', '/?q=1', '/profile', '/api/me', '/login', '/nowhere', jwkSet]) {
    await record(`${path} in a browser`, browser.navigate(url + path, manual))
    await record(`${path} by a script`, browser.fetch(url + path, manual))
    await record(`${path} by a program`, browser.fetch(url + path, { ...manual, headers: program }))
  }
  for (const returnTo of ['/api/me', '/profile?a=b#c', 'https://evil.example/', '//evil.example']) {
    const query = new URLSearchParams({ returnTo })
    await record(`/login to ${returnTo}`, browser.navigate(`${url}/login?${query}`, manual))
  }
  for (const path of [...spellings, '/LOGIN', '/login/']) {
    await record(`${path} in a browser`, browser.navigate(url + path, manual))
  }
  for (const path of ['/profile', '/login']) {
    const framed = { ...manual, destination: 'iframe', from: 'https://evil.example' } as const
    await record(`${path} in a frame of another site`, browser.navigate(url + path, framed))
    const linked = { ...manual, from: 'https://evil.example' }
    await record(`${path} by a link of another site`, browser.navigate(url + path, linked))
  }
  const { headers } = await browser.fetch(url + jwkSet)
  for (const tag of [headers.etag ?? '', '"another"']) {
    const conditional = { 'if-none-match': tag }
    const name = `the JWK Set unless ${tag === '"another"' ? tag : 'known'}`
    await record(name, browser.fetch(url + jwkSet, { headers: conditional }))
  }
  const garbage = 'oidc-000000=garbage; oidc=garbage; a="b; ='
  await record('/ with broken cookies', browser.fetch(`${url}/`, { headers: { cookie: garbage } }))
}

async function askEveryMethod(url: string, browser: UserAgent, record: Recorder): Promise<void> {
  for (const path of [...routes, jwkSet]) {
    await record(`HEAD ${path}`, askHead(url + path, browser))
    for (const method of ['OPTIONS', 'PUT', 'DELETE']) {
      await record(`${method} ${path}`, browser.fetch(url + path, { method, ...manual }))
    }
  }
  for (const path of ['/', '/profile', '/login', '/nowhere']) {
    await record(`a form to ${path}`, browser.post(url + path, { a: 'b' }, manual))
    const headers = { 'content-type': 'application/json' }
    const broken = { ...manual, headers, method: 'POST', body: '{' }
    await record(`broken JSON to ${path}`, browser.fetch(url + path, broken))
  }
}

/** Sends HEAD, which has to announce the very length that the answer to GET has. */
async function askHead(target: string, browser: UserAgent): Promise<Page> {
  const head = await browser.fetch(target, { ...manual, method: 'HEAD' })
  const announced = head.headers['content-length']
  if (announced === undefined) return head
  const get = await browser.fetch(target, manual)
  const length = Buffer.byteLength(get.text)
  if (head.status === get.status && Number(announced) !== length) {
    throw new Error(`HEAD ${target} announces ${announced} bytes, but GET answers with ${length}`)
  }
  return head
}

async function askCallback(url: string, browser: UserAgent, record: Recorder): Promise<void> {
  const callback = `${url}/callback`
  const visit = (query: string) => browser.navigate(`${callback}?${query}`, manual)
  const state = '0'.repeat(32)
  await record('/callback of nobody’s', visit(`code=a&state=${state}`))
  await record('/callback without state', visit('code=a'))
  await record('/callback with an error', visit('error=access_denied'))
  const post = (contentType: string, body: string) =>
    browser.fetch(callback, {
      ...manual,
      method: 'POST',
      body,
      headers: { 'content-type': contentType },
    })
  const form = 'application/x-www-form-urlencoded'
  await record('/callback posted', post(form, `code=a&state=${state}`))
  await record('/callback posted as JSON', post('application/json', '{"code":"a"}'))
  await record('/callback posted as text', post('text/plain', `code=a&state=${state}`))
  await record('/callback posted, too large', post(form, `code=${'a'.repeat(200_000)}`))

  const started = await browser.navigate(`${url}/login`, manual)
  const [, mixed] = /[?&]state=([^&]+)/.exec(started.headers.location ?? '') ?? []
  const other = `code=a&state=${mixed}&iss=https://evil.example`
  await record('/callback of another issuer', visit(other))
}

/** Signs in by way of a protected page, and opens the callback once more. */
async function signIn(url: string, browser: UserAgent, record: Recorder): Promise<void> {
  let page = await record('sign-in: begin', browser.navigate(`${url}/profile?a=b`, manual))
  let callback = ''
  for (let hop = 1; hop < 20 && page.headers.location !== undefined; hop++) {
    const next = new URL(page.headers.location, page.url).href
    const answer = browser.navigate(next, { ...manual, from: new URL(page.url).origin })
    if (!next.startsWith(`${url}/`)) page = await answer
    else page = await record(`sign-in: step ${hop}`, answer)
    if (next.startsWith(`${url}/callback`)) callback = next
  }
  if (callback === '') return
  await record('sign-in: the callback again', browser.navigate(callback, manual))
  const stranger = createUserAgent()
  await record('sign-in: the callback of another browser', stranger.navigate(callback, manual))
  stranger.close()
}

async function askSignedIn(url: string, browser: UserAgent, record: Recorder): Promise<void> {
  for (const path of ['/', '/profile', '/api/me', '/login', '/nowhere']) {
    await record(`${path}, signed in`, browser.navigate(url + path, manual))
    await record(`HEAD ${path}, signed in`, askHead(url + path, browser))
  }
  for (const path of spellings) {
    await record(`${path}, signed in`, browser.navigate(url + path, manual))
  }
  const stale = { 'if-modified-since': new Date().toUTCString(), 'if-none-match': '"a"' }
  await record('/profile unless known', browser.fetch(`${url}/profile`, { headers: stale }))
}

async function signOut(url: string, browser: UserAgent, record: Recorder): Promise<void> {
  const evil = 'https://evil.example'
  await record(
    '/logout from another site',
    browser.navigate(`${url}/logout`, { ...manual, from: evil }),
  )
  await record(
    '/logout posted by another site',
    browser.post(`${url}/logout`, {}, { ...manual, origin: evil }),
  )
  await record('/logout as a page', browser.clone().navigate(`${url}/logout`, manual))
  await record('/api/me, still signed in', browser.fetch(`${url}/api/me`))
  const left = await record('/logout', browser.post(`${url}/logout`, {}, manual))
  await record('/api/me, signed out', browser.fetch(`${url}/api/me`))
  const next = new URL(left.headers.location ?? '/', url).href
  await record('back from the provider', browser.navigate(next))
  await record('/logout once more', browser.post(`${url}/logout`, {}, manual))
}

function readAnswer(page: Page, mask: (text: string) => string): Answer {
  const answer: Record<string, string> = { status: String(page.status) }
  for (const [name, value] of Object.entries(page.headers)) {
    if (name !== 'set-cookie') answer[`header ${name}`] = mask(String(value))
  }
  if (page.headers['content-length'] !== undefined) {
    checkLength(page)
    answer['header content-length'] = '{length}'
  }
  if (page.headers.date !== undefined) answer['header date'] = '{date}'
  if (page.headers.etag !== undefined)
    answer['header etag'] = page.headers.etag.replace(/"[^"]+"/, '{tag}')
  for (const cookie of page.setCookies) {
    const [pair = '', ...attributes] = cookie.split('; ')
    const name = mask(pair.slice(0, pair.indexOf('=')))
    const key = `cookie ${name}`
    const value = pair.endsWith('=') ? '' : '{sealed}'
    const line = [value, ...attributes.map(maskAttribute)].join('; ')
    answer[key] = key in answer ? `${answer[key]}, ${line}` : line
  }
  answer['body'] = mask(page.text)
  return answer
}

/** Throws where an answer has another length than it says. */
function checkLength({ status, headers, text, url, history }: Page): void {
  // These have no body, whatever the header says (RFC 9110, 8.6)
  if (history.at(-1)?.method === 'HEAD' || status === 304) return
  const [announced, length] = [headers['content-length'], Buffer.byteLength(text)]
  if (Number(announced) === length) return
  throw new Error(`${url} announces ${announced} bytes and answers with ${length}`)
}

function maskAttribute(attribute: string): string {
  return attribute.replace(/^(Expires=)(?!Thu, 01 Jan 1970).*/i, '$1{date}')
}

/** Replaces what is this app's own, and what is new each time. */
async function createMask(url: string, browser: UserAgent): Promise<(text: string) => string> {
  const { keys } = JSON.parse((await browser.fetch(url + jwkSet)).text)
  const own = new Map([[url, '{app}']])
  for (const { kid, x, y } of keys) own.set(kid, '{kid}').set(x, '{x}').set(y, '{y}')
  const { location } = (await browser.navigate(`${url}/login`, manual)).headers
  if (location === undefined) throw new Error(`${url}/login leads nowhere`)
  const clientId = new URL(location).searchParams.get('client_id') ?? ''
  return (text) => {
    let masked = text
    for (const [value, name] of own) {
      masked = masked.replaceAll(value, name).replaceAll(encodeURIComponent(value), name)
    }
    return masked
      .replaceAll(`client_id=${clientId}`, 'client_id={client}')
      .replaceAll(`<td>${clientId}</td>`, '<td>{client}</td>')
      .replace(/\b(state|nonce|code|code_challenge|id_token_hint)=[\w.~-]+/g, '$1={$1}')
      .replace(/\boidc-[0-9a-f]{6}\b/g, 'oidc-{id}')
      .replace(/\.login-[0-9a-f]{32}/g, '.login-{state}')
      .replace(/("reference":"|<code>)[0-9a-f]{12}\b/g, '$1{reference}')
      .replace(/@countersign\/(express|koa|fastify)\b/g, '{adapter}')
      .replace(/<time .*?<\/time>\s*<code class="soft">\d+<\/code>/gs, '{moment}')
      .replace(/(<code>(?:nonce|sid|at_hash|jti)<\/code><\/th><td>)[^<]*/g, '$1{value}')
  }
}
