/**
 * Requests to the provider, on real sockets.
 *
 * @network loopback
 */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import net, { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { ProviderError } from '../../src/errors.ts'
import { createFetch, type FetchInit, type FetchSettings } from '../../src/http/fetch.ts'

// A tool of the system, where there is one
const openssl = ['open', 'ssl'].join('')

const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function listen(server: net.Server): Promise<number> {
  const sockets = new Set<net.Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

async function serve(listener: http.RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(http.createServer(listener))}`
}

const get: FetchInit = { method: 'GET', headers: {}, redirect: 'manual' }
const post: FetchInit = { ...get, method: 'POST', body: new URLSearchParams({ a: 'b c' }) }

const create = (settings: Partial<FetchSettings> = {}) =>
  createFetch({ timeout: 20, userAgent: 'countersign', ...settings })

async function fail(
  response: Promise<Response>,
): Promise<readonly [code: string, message: string]> {
  const error = await response.then(
    () => expect.unreachable('the request did not fail'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof ProviderError)) return expect.unreachable(String(error))
  return [error.code, error.message]
}

describe('a request', () => {
  test('carries its headers, its form and the user agent', async () => {
    const url = await serve(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      const { method, headers } = request
      response.setHeader('x-a', '1')
      response.end(JSON.stringify({ method, agent: headers['user-agent'], b: headers['b'], body }))
    })
    const fetch = create({ userAgent: 'an app' })
    const response = await fetch(url, { ...post, headers: { b: '2' } })
    expect(response.headers.get('x-a')).toBe('1')
    const body = 'a=b+c'
    expect(await response.json()).toEqual({ method: 'POST', agent: 'an app', b: '2', body })
  })

  test.each([400, 401, 404, 429])(
    'that is answered %i is for the caller to judge',
    async (status) => {
      const url = await serve((_request, response) => response.writeHead(status).end('{}'))
      expect((await create()(url, get)).status).toBe(status)
    },
  )

  test('that is answered with no body has none', async () => {
    const url = await serve((_request, response) => response.writeHead(204).end())
    const response = await create()(url, get)
    expect([response.status, response.body]).toEqual([204, null])
  })

  test('reuses the connection of the one before', async () => {
    const ports = new Set<number | undefined>()
    const url = await serve((request, response) => {
      ports.add(request.socket.remotePort)
      response.end('ok')
    })
    const fetch = create()
    for (let count = 0; count < 3; count++) await (await fetch(url, get)).text()
    expect(ports.size).toBe(1)
  })

  // Of the time that a server names, Node leaves out the last second
  test.each([
    ['for as long as the server says', { keepAlive: 2900, pause: 1500 }],
    ['for 4 seconds at most', { keepAlive: 0, pause: 4500 }],
  ])('keeps an idle connection %s', async (_, { keepAlive, pause }) => {
    const ports = new Set<number | undefined>()
    const server = http.createServer((request, response) => {
      ports.add(request.socket.remotePort)
      response.end('ok')
    })
    server.keepAliveTimeout = keepAlive
    const url = `http://127.0.0.1:${await listen(server)}`
    const fetch = create()
    await (await fetch(url, get)).text()
    await setTimeout(pause)
    await (await fetch(url, post)).text()
    expect(ports.size).toBe(2)
  })
})

describe('a limit', () => {
  const timedOut = (url: string) => [
    'ERR_PROVIDER_TIMEOUT',
    `${url} did not answer within 0.1 s ("http.timeout")`,
  ]

  test('of time ends a request that nobody answers', async () => {
    const url = `${await serve(() => {})}/token`
    expect(await fail(create({ timeout: 0.1 })(`${url}?code=x`, get))).toEqual(timedOut(url))
  })

  test('of time holds for the body as well', async () => {
    const url = `${await serve((_request, response) => response.writeHead(200).write('{'))}/`
    expect(await fail(create({ timeout: 0.1 })(url, get))).toEqual(timedOut(url))
  })

  test('of size ends a body that is too long, whether it says so or not', async () => {
    const url = `${await serve((_request, response) => {
      response.write('x'.repeat(1024 * 1024))
      response.end('x')
    })}/jwks`
    const tooLarge = ['ERR_PROVIDER_RESPONSE', `${url} answered with more than 1024 kB`]
    expect(await fail(create()(url, get))).toEqual(tooLarge)
  })

  test('leaves a body of exactly that size alone', async () => {
    const url = await serve((_request, response) => response.end('x'.repeat(1024 * 1024)))
    expect(await (await create()(url, get)).text()).toHaveLength(1024 * 1024)
  })

  test('holds for a fetch of their own, too', async () => {
    const url = 'https://op.example/jwks'
    const large = create({ fetch: async () => new Response('x'.repeat(1024 * 1024 + 1)) })
    expect(await fail(large(url, get))).toEqual([
      'ERR_PROVIDER_RESPONSE',
      `${url} answered with more than 1024 kB`,
    ])
    const slow: typeof globalThis.fetch = (_url, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
      })
    expect(await fail(create({ timeout: 0.1, fetch: slow })(url, get))).toEqual(timedOut(url))
  })
})

describe('what is no answer', () => {
  test.each([301, 302, 303, 307, 308])('a redirect (%i) is not followed', async (status) => {
    let requests = 0
    const url = `${await serve((_request, response) => {
      requests++
      response.writeHead(status, { location: '/elsewhere' }).end()
    })}/token`
    expect(await fail(create()(`${url}?code=x`, get))).toEqual([
      'ERR_PROVIDER_RESPONSE',
      `${url} answered with a redirect (${status}), and redirects are not followed`,
    ])
    expect(requests).toBe(1)
  })

  test.each([500, 502, 503])('a %i is an outage', async (status) => {
    const url = `${await serve((_request, response) => response.writeHead(status).end('x'))}/token`
    expect(await fail(create()(url, get))).toEqual([
      'ERR_PROVIDER_UNAVAILABLE',
      `${url} answered ${status}`,
    ])
  })

  test('a refused connection is told with its URL, without the query', async () => {
    // Nobody listens there; at one that was found free, somebody else may by now
    const port = 1
    const [code, message] = await fail(create()(`http://127.0.0.1:${port}/a?code=secret`, get))
    expect(code).toBe('ERR_PROVIDER_UNAVAILABLE')
    expect(message).toBe(
      `http://127.0.0.1:${port}/a cannot be reached: connect ECONNREFUSED 127.0.0.1:${port}`,
    )
  })
})

describe('what is no TLS that works', () => {
  /** Sends these bytes to whoever connects. */
  async function answer(bytes: Uint8Array): Promise<string> {
    const server = net.createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end(bytes))
    })
    return `https://127.0.0.1:${await listen(server)}/`
  }

  test.each([
    ['plain http', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['something else', Buffer.from('SSH-2.0-OpenSSH_9.6\r\n')],
  ])('is told in our words where it is %s', async (_, bytes) => {
    const url = await answer(bytes)
    const [code, message] = await fail(create()(url, get))
    expect(code).toBe('ERR_PROVIDER_UNAVAILABLE')
    expect(message).toBe(
      `${url} cannot be reached: it does not speak TLS: it may be plain http there`,
    )
  })

  test('is told with the reason, and not with the source of OpenSSL', async () => {
    // RFC 8446, 6.2: a fatal handshake_failure
    const url = await answer(Buffer.from([21, 3, 3, 0, 2, 2, 40]))
    const [, message] = await fail(create()(url, get))
    expect(message.startsWith(`${url} cannot be reached: `)).toBe(true)
    expect(message).toMatch(/alert handshake failure$/)
    expect(message).not.toMatch(/:error:|\.c\b|\n/)
  })

  test('and any other error is told by its first line', async () => {
    const broken = create({ fetch: () => Promise.reject(new Error('\nno route\n  to it\n')) })
    const [, message] = await fail(broken('https://op.example/', get))
    expect(message).toBe('https://op.example/ cannot be reached: no route')
    const silent = Object.assign(new Error(''), { code: 'EHOSTDOWN' })
    const other = create({ fetch: () => Promise.reject(silent) })
    expect((await fail(other('https://op.example/', get)))[1]).toMatch(/reached: EHOSTDOWN$/)
  })
})

describe('a kept-alive connection that the other side closed', () => {
  /** Answers each connection's first request, and resets it at the second. */
  async function serveOnce() {
    const methods: (string | undefined)[] = []
    const seen = new WeakSet<net.Socket>()
    const url = await serve((request, response) => {
      methods.push(request.method)
      const isSecond = seen.has(request.socket)
      seen.add(request.socket)
      if (isSecond) request.socket.resetAndDestroy()
      else response.end('ok')
    })
    return { url, methods }
  }

  test('is not noticed at a GET, which is sent once more', async () => {
    const { url, methods } = await serveOnce()
    const fetch = create()
    await (await fetch(url, get)).text()
    expect(await (await fetch(url, get)).text()).toBe('ok')
    expect(methods).toEqual(['GET', 'GET', 'GET'])
  })

  test('fails a POST, which needs a client assertion of its own to be repeated', async () => {
    const { url, methods } = await serveOnce()
    const fetch = create()
    await (await fetch(url, get)).text()
    const [code, message] = await fail(fetch(`${url}/token`, post))
    expect([code, methods]).toEqual(['ERR_PROVIDER_UNAVAILABLE', ['GET', 'POST']])
    expect(message).toMatch(/^http:\S+\/token cannot be reached: .*(ECONNRESET|socket hang up)/)
  })

  test('is not tried again where it was new', async () => {
    let requests = 0
    const url = await serve((request) => {
      requests++
      request.socket.resetAndDestroy()
    })
    expect((await fail(create()(url, get)))[0]).toBe('ERR_PROVIDER_UNAVAILABLE')
    expect(requests).toBe(1)
  })
})

function hasOpenssl(): boolean {
  try {
    execFileSync(openssl, ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe.skipIf(!hasOpenssl())('a provider under a private authority (needs openssl)', () => {
  async function serveSecurely() {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-'))
    closing.push(() => rmSync(folder, { recursive: true }))
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
    const files = ['-keyout', keyFile, '-out', certFile]
    execFileSync(openssl, ['req', '-x509', ...kind, ...subject, ...files], { stdio: 'ignore' })
    const [key, cert] = [readFileSync(keyFile, 'utf8'), readFileSync(certFile, 'utf8')]
    const server = https.createServer({ key, cert }, (_request, response) => response.end('secure'))
    return { url: `https://127.0.0.1:${await listen(server)}/`, cert }
  }

  test('is reached with "ca"', async () => {
    const { url, cert } = await serveSecurely()
    expect(await (await create({ ca: cert })(url, get)).text()).toBe('secure')
    expect(await (await create({ ca: [cert] })(url, get)).text()).toBe('secure')
  })

  test('is not reached without it, and the error says what to set', async () => {
    const { url } = await serveSecurely()
    const [code, message] = await fail(create()(url, get))
    expect(code).toBe('ERR_PROVIDER_UNAVAILABLE')
    // Newer versions of Node say more between the two
    expect(message).toContain(`${url} cannot be reached: self-signed certificate`)
    expect(message).toContain('(set "http.ca" or NODE_EXTRA_CA_CERTS for a private authority)')
  })

  async function startProxy(target: string) {
    const asked: (string | undefined)[] = []
    const server = http.createServer()
    server.on('connect', (request, socket, head) => {
      asked.push(request.url)
      const upstream = net.connect(Number(new URL(target).port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
        upstream.write(head)
        upstream.pipe(socket).pipe(upstream)
      })
      upstream.on('error', () => socket.destroy())
      socket.on('error', () => upstream.destroy())
    })
    return { asked, proxy: `http://127.0.0.1:${await listen(server)}` }
  }

  test('is asked for through a proxy that tunnels, and held to its certificate there', async () => {
    const { url } = await serveSecurely()
    const { asked, proxy } = await startProxy(url)
    const [code, message] = await fail(create({ proxy })(url, get))
    expect([code, asked]).toEqual(['ERR_PROVIDER_UNAVAILABLE', [new URL(url).host]])
    expect(message).toContain('(set "http.ca"')
  })

  // https-proxy-agent uses its own options for the way to the proxy only
  test('is reached through a proxy with "ca"', async () => {
    const { url, cert } = await serveSecurely()
    const { proxy } = await startProxy(url)
    expect(await (await create({ ca: cert, proxy })(url, get)).text()).toBe('secure')
  })
})
