import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { presets } from '@countersign/core'
import { importPKCS8, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type GeneratedClientKey,
  generateClientKey,
  type Provider,
  startProvider,
} from '../src/index.ts'
import { redirectUri } from './app.ts'

const formType = 'application/x-www-form-urlencoded'
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** What is kept as it is, and not escaped, by a terminal that shows it. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

describe.each([
  ['the strict provider', undefined],
  ['an emulator', { ...presets.okta, name: 'tried' }],
])('%s', (_name, preset) => {
  let key: GeneratedClientKey
  let provider: Provider
  let base: string
  const lines: string[] = []
  beforeAll(async () => {
    key = await generateClientKey('RS256')
    provider = await startProvider({
      ...(preset && { preset }),
      clients: [{ clientId: 'app', jwks: key.jwks, redirectUris: [redirectUri] }],
      onLog: (line) => lines.push(line),
    })
    base = provider.issuer.replace(/\/$/, '')
  })
  afterAll(() => provider.close())

  interface Change {
    readonly header?: Readonly<Record<string, unknown>>
    readonly claims?: Readonly<Record<string, unknown>>
  }

  async function sign({ header, claims }: Change = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const aud = preset ? `${base}/token` : provider.issuer
    const jti = crypto.randomUUID()
    return new SignJWT({ iss: 'app', sub: 'app', aud, jti, iat: now, exp: now + 50, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: key.kid, ...header })
      .sign(await importPKCS8(key.privateKeyPem, 'RS256'))
  }

  async function buildForm(change?: Change): Promise<URLSearchParams> {
    return new URLSearchParams({
      client_id: 'app',
      client_assertion_type: assertionType,
      client_assertion: await sign(change),
      grant_type: 'authorization_code',
      code: 'x',
      redirect_uri: redirectUri,
    })
  }

  async function send(body: URLSearchParams, path = '/token', type = formType) {
    const headers = { 'content-type': type }
    const response = await fetch(`${base}${path}`, { method: 'POST', body, headers })
    const text = await response.text()
    return { status: response.status, answer: text && JSON.parse(text) }
  }

  test('takes a request that is as it should be', async () => {
    const query = await send(await buildForm(), '/token?p=a-policy')
    expect(query).toMatchObject({ status: 400, answer: { error: 'invalid_grant' } })
    const charset = await send(await buildForm(), '/token', `${formType};charset=UTF-8`)
    expect(charset).toMatchObject({ status: 400, answer: { error: 'invalid_grant' } })
  })

  test.each([
    ['client_assertion', 'x'],
    ['client_assertion_type', assertionType],
    ['client_id', 'other'],
    ['grant_type', 'refresh_token'],
  ])('refuses a request that repeats "%s"', async (name, value) => {
    const form = await buildForm()
    form.append(name, value)
    expect(await send(form)).toEqual({
      status: 400,
      answer: {
        error: 'invalid_request',
        error_description: `'${name}' must be there once, and is repeated`,
      },
    })
    expect(provider.tokenRequests.at(-1)).toMatchObject({ error: 'invalid_request' })
    expect(lines.at(-1)).toContain(`"${name}" must be there once, and is repeated`)
    expect(provider.refusals.at(-1)?.rule).toBe(preset && 'form')
  })

  test('takes a parameter that may be a list', async () => {
    const form = await buildForm()
    for (const each of ['https://one.example', 'https://two.example']) form.append('resource', each)
    expect(await send(form)).toMatchObject({ answer: { error: 'invalid_grant' } })
  })

  test.each(['client_secret=x', 'client_assertion=x', 'client_id=app', 'client_assertion_type=x'])(
    'refuses credentials in the URL, as in "?%s"',
    async (query) => {
      const { status, answer } = await send(await buildForm(), `/token?${query}`)
      expect(status).toBe(400)
      expect(answer.error_description).toBe(
        `'${query.split('=')[0]}' must be in the form, and not in the URL`,
      )
    },
  )

  test.each(['text/plain', 'application/json', '', `${formType}; charset=utf-16le`])(
    'refuses a form that is sent as "%s", and reads nothing in it',
    async (type) => {
      const before = provider.assertions.length
      const { status, answer } = await send(await buildForm(), '/token', type)
      expect({ status, error: answer.error }).toEqual({ status: 400, error: 'invalid_request' })
      expect(answer.error_description).toContain(`must be ${formType}`)
      expect(provider.assertions).toHaveLength(before)
    },
  )

  test.each(['/token/', '/TOKEN', '/Introspect', '/revoke//', '/par/'])(
    'has nothing at %s, which is not quite an endpoint',
    async (path) => {
      const before = provider.assertions.length
      expect(await send(await buildForm(), path)).toEqual({ status: 404, answer: '' })
      expect(provider.assertions).toHaveLength(before)
    },
  )

  test.each([
    ['//', 404],
    ['//token', 404],
    ['/\\token', 404],
    ['http://127.0.0.1/token', 400],
    ['*', 400],
    ['/token#x', 400],
  ])('answers a request for "%s" with %s', async (path, expected) => {
    const { hostname, port } = new URL(base)
    const sent = request({ hostname, port, path, method: 'POST' }).end()
    const [response] = await once(sent, 'response')
    response.resume()
    expect(response.statusCode).toBe(expected)
  })

  test('refuses an assertion with "crit", whatever it names', async () => {
    const crit = { header: { crit: ['b64'], b64: true } }
    const { status, answer } = await send(await buildForm(crit))
    expect(status).toBe(401)
    expect(answer.error_description).toMatch(/crit/)
  })

  test.each([
    ['an "alg" that is no text', { alg: 5 }, {}],
    ['an "alg" that is null', { alg: null }, {}],
    ['a "kid" that is no text', { alg: 'RS256', kid: { a: 1 } }, {}],
    ['an "aud" that is no text', { alg: 'RS256' }, { aud: 5 }],
    ['a "sub" that is no text', { alg: 'RS256' }, { sub: {} }],
    ['claims of the kind of null', { alg: 'RS256' }, { exp: null, iat: null, jti: null }],
  ])('refuses an assertion with %s, and does not fail', async (_what, header, claims) => {
    const parts = [header, { iss: 'app', sub: 'app', ...claims }].map(encode)
    const form = await buildForm()
    form.set('client_assertion', `${parts.join('.')}.AAAA`)
    const { status, answer } = await send(form)
    expect({ status, error: answer.error }).toEqual({ status: 401, error: 'invalid_client' })
  })

  test.each(['a header', 'claims'])('refuses %s with lists in lists without end', async (part) => {
    const deep = `${'['.repeat(15_000)}${']'.repeat(15_000)}`
    const plain = [`{"alg":"RS256"`, `{"iss":"app","sub":"app","aud":"x"`]
    const index = part === 'claims' ? 1 : 0
    const texts = plain.map((text, at) => (at === index ? `${text},"kid":${deep}}` : `${text}}`))
    const form = await buildForm()
    const parts = texts.map((text) => Buffer.from(text).toString('base64url'))
    form.set('client_assertion', `${parts.join('.')}.AAAA`)
    const { status, answer } = await send(form)
    expect(status).toBe(401)
    expect(answer.error_description).toMatch(/is not a JWT$/)
  })

  test('says what was sent without what a terminal would obey', async () => {
    const form = await buildForm()
    form.append('\u009b31m\u202e\u007f\u200b', '1')
    form.append('\u009b31m\u202e\u007f\u200b', '2')
    await send(form)
    expect(lines.at(-1)).toContain('"\\u009b31m\\u202e\\u007f\\u200b" must be there once')
    expect(lines.filter((line) => unsafe.test(line))).toEqual([])
  })

  test('remembers the last 10,000 requests and assertions, and no more', async () => {
    const jws = `${encode({ alg: 'RS256' })}.${encode({ iss: 'nobody', sub: 'nobody' })}.AAAA`
    const body = new URLSearchParams({
      client_assertion: jws,
      client_assertion_type: assertionType,
    }).toString()
    const { hostname, port, pathname } = new URL(`${base}/revoke`)
    const head = [
      `POST ${pathname} HTTP/1.1`,
      'Host: localhost',
      `Content-Type: ${formType}`,
      `Content-Length: ${body.length}`,
    ]
    const one = `${head.join('\r\n')}\r\n\r\n${body}`
    const socket = connect(Number(port), hostname)
    socket.write(one.repeat(10_020))
    socket.end()
    socket.resume()
    await once(socket, 'close')
    expect(provider.requests).toHaveLength(10_000)
    expect(provider.assertions).toHaveLength(10_000)
  })
})

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
