/**
 * The browsers, one after the other, over one kept-alive connection for each server.
 *
 * @module
 */

import { Agent, request } from 'node:http'

const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const timeout = 10_000

const navigation = {
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'accept-language': 'en-GB,en;q=0.5',
  'accept-encoding': 'identity',
  'sec-fetch-dest': 'document',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-site': 'same-origin',
}

const unrelated =
  '_ga=GA1.1.1234567890.1700000000; theme=dark; locale=en-GB; ' +
  'consent=analytics%3Dfalse%26marketing%3Dfalse; cart=5f0c6b1e4d3a49b2'

/** The sessions of each app: its browsers' cookies by name. */
const sessions = new Map()

/** Cookies that are gone by themselves soon after the login are not part of the state that follows. */
const leastMaxAge = 600

/** Logs in `count` new browsers, from `path` on; `keep` remembers their sessions under that name. */
async function login({ baseUrl, path, count, keep }) {
  const kept = []
  for (let index = 0; index < count; index++) {
    const jar = new Map()
    const start = await get(baseUrl + path, jar)
    const authorized = await get(start.location)
    const end = await get(authorized.location, jar)
    // Also an error page is an answer; only a session is a login
    if (end.status < 300 || end.status > 399 || jar.size === 0) {
      throw new Error(`a login at ${baseUrl} ended with ${end.status}: ${end.body.slice(0, 500)}`)
    }
    if (keep) kept.push({ jar: withoutShortLived(jar) })
  }
  if (!keep) return {}
  sessions.set(keep, kept)
  return { cookieBytes: cookieOf(kept[0].jar).length }
}

/** Sends `count` requests in turn for `among` sessions of `cookies`, or with that sort of cookies. */
async function requests({ baseUrl, path, count, cookies, among, expected }) {
  const all = sessions.get(cookies) ?? [{ header: cookies === 'unrelated' ? unrelated : '' }]
  const browsers = all.slice(0, among)
  for (let index = 0; index < count; index++) {
    const browser = browsers[index % browsers.length]
    const { jar, header } = browser
    const { status, body } = await get(baseUrl + path, jar, header)
    if (status !== 200) throw new Error(`${baseUrl}${path} answered ${status}`)
    check(browser, body, expected)
  }
  return {}
}

/** Nobody gets somebody else's answer, and nobody is signed out. */
function check(browser, body, expected) {
  if (expected === 'anything') return
  const { sub } = JSON.parse(body)
  if (expected === 'user') browser.sub ??= sub
  const isRight = expected === 'user' ? sub && sub === browser.sub : sub === null
  if (!isRight) throw new Error(`expected ${expected}, got ${body}`)
}

function get(url, jar, header = jar ? cookieOf(jar) : '') {
  return new Promise((resolve, reject) => {
    const headers = header === '' ? navigation : { ...navigation, cookie: header }
    const outgoing = request(url, { agent, headers, timeout }, (message) => {
      let body = ''
      message.setEncoding('utf8')
      message.on('data', (chunk) => {
        body += chunk
      })
      message.on('error', reject)
      message.on('end', () => {
        if (jar) keepCookies(jar, message.headers['set-cookie'] ?? [])
        const { location } = message.headers
        resolve({
          status: message.statusCode,
          location: location && new URL(location, url).href,
          body,
        })
      })
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${url} did not answer`)))
    outgoing.on('error', reject)
    outgoing.end()
  })
}

function keepCookies(jar, lines) {
  for (const line of lines) {
    const [pair, ...attributes] = line.split(';')
    const name = pair.slice(0, pair.indexOf('='))
    const maxAge = readMaxAge(attributes.map((attribute) => attribute.trim()))
    if (maxAge <= 0) jar.delete(name)
    else jar.set(name, { pair, maxAge })
  }
}

function readMaxAge(attributes) {
  const read = (prefix) =>
    attributes.find((attribute) => attribute.toLowerCase().startsWith(prefix))?.slice(prefix.length)
  const maxAge = read('max-age=')
  if (maxAge !== undefined) return Number(maxAge)
  const expires = read('expires=')
  return expires === undefined ? Infinity : (Date.parse(expires) - Date.now()) / 1000
}

function withoutShortLived(jar) {
  return new Map([...jar].filter(([, { maxAge }]) => maxAge > leastMaxAge))
}

function cookieOf(jar) {
  return [...jar.values()].map(({ pair }) => pair).join('; ')
}

/** Takes over sessions that were made elsewhere, as `Cookie` headers. */
async function adopt({ keep, headers }) {
  sessions.set(
    keep,
    headers.map((header) => ({ header })),
  )
  return {}
}

/** Posts forms one after the other, and returns how long each took, in milliseconds. */
async function post({ url, bodies }) {
  const times = []
  for (const body of bodies) {
    const started = performance.now()
    const status = await send(url, body)
    times.push(performance.now() - started)
    if (status !== 200) throw new Error(`${url} answered ${status}`)
  }
  return { times }
}

function send(url, body) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const outgoing = request(url, { agent, method: 'POST', headers, timeout }, (message) => {
      message.resume()
      message.on('error', reject)
      message.on('end', () => resolve(message.statusCode))
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${url} did not answer`)))
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

const jobs = { login, requests, adopt, post }

process.on('message', async ({ id, type, ...job }) => {
  try {
    process.send({ id, answer: await jobs[type](job) })
  } catch (error) {
    process.send({ id, error: error.stack })
  }
})
process.on('disconnect', () => process.exit())
process.send({ ready: {} })
