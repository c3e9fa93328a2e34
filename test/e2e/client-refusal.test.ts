import { createPrivateKey, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type EventError, type Options, presets } from '@countersign/core'
import { decodeJwt, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { mainFrameworks } from '../support/frameworks.ts'
import type { Double } from '../support/provider-double.ts'
import { type Setting, secret, signIn, startAnotherApp, startSetting } from '../support/setting.ts'
import type { Page } from '../support/user-agent.ts'

const refused = {
  status: 401,
  body: JSON.stringify({ error: 'invalid_client', error_description: 'Token reuse detected' }),
  headers: { 'www-authenticate': 'Basic realm="op"' },
}
const keep: Options['session']['keep'] = ['accessToken', 'refreshToken', 'idToken']
const json = { headers: { accept: 'application/json' } }

afterEach(() => void vi.unstubAllEnvs())

describe.each(mainFrameworks)('on $name, a client that the provider refuses', (framework) => {
  let setting: Setting
  let provider: Double
  const others: Setting[] = []
  beforeAll(async () => {
    setting = await startSetting(framework, { session: { secret, keep } })
    provider = setting.provider
  })
  beforeEach(() => setting.reset())
  afterEach(async () => {
    await Promise.all(others.splice(0).map((other) => other.close()))
  })
  afterAll(() => setting.close())

  async function startOther(overrides: Partial<Options>): Promise<Setting> {
    const other = await startAnotherApp(framework, setting, overrides)
    others.push(other)
    return other
  }

  const logIn = (where = setting) => where.browser().navigate(`${where.app.url}/profile`)

  function readRefusal(error: EventError | undefined) {
    if (!error?.refusal) throw new Error(`no refusal: ${error?.message}`)
    return error.refusal
  }

  test('at the token endpoint is told by what it sent, and can sign in afterwards', async () => {
    provider.behave.raw.token = refused
    const { status, text } = await logIn()
    expect(status).toBe(502)
    const [event] = setting.told('login.failed')
    expect(event?.error).toMatchObject({
      code: 'ERR_TOKEN_RESPONSE',
      message: expect.stringContaining(
        '"invalid_client": Token reuse detected. Most likely the same',
      ),
    })
    expect(text).toContain(event?.reference)
    const { header, claims, causes } = readRefusal(event?.error)
    const assertion = provider.requestsTo('token')[0]?.form.get('client_assertion') ?? ''
    expect(claims).toEqual(decodeJwt(assertion))
    expect(header).toMatchObject({ alg: 'ES256', kid: expect.any(String) })
    expect(causes.map(({ rule }) => rule)).toEqual(['jti', 'key', 'kid', 'aud', 'client'])
    setting.reset()
    expect((await logIn()).status).toBe(200)
  })

  test('at a refresh keeps its session, and is told', async () => {
    const browser = await signIn(setting)
    provider.behave.raw.token = refused
    expect((await browser.navigate(`${setting.app.url}/refresh`)).status).toBe(502)
    const [event] = setting.told('token.refresh_failed')
    expect(readRefusal(event?.error).causes[0]?.rule).toBe('jti')
    setting.reset()
    expect((await browser.navigate(`${setting.app.url}/refresh`)).status).toBe(200)
  })

  test('at the revocation endpoint is told, and has signed out', async () => {
    const browser = await signIn(setting)
    provider.behave.raw.revocation = refused
    await browser.navigate(`${setting.app.url}/leave`)
    await vi.waitFor(() => expect(setting.told('token.revocation_failed')).toHaveLength(1))
    const [event] = setting.told('token.revocation_failed')
    expect(event?.error).toMatchObject({ code: 'ERR_PROVIDER_RESPONSE' })
    expect(readRefusal(event?.error).claims).toMatchObject({ sub: 'app' })
    expect((await browser.navigate(`${setting.app.url}/public`)).text).toContain('false')
  })

  test('at the endpoint for pushed requests is told before anybody is sent away', async () => {
    provider.behave.metadata = (honest) => ({
      ...honest,
      require_pushed_authorization_requests: true,
    })
    provider.behave.raw.pushed_authorization_request = refused
    const other = await startOther({})
    const { status, url, text } = await logIn(other)
    expect([status, url]).toEqual([502, `${other.app.url}/profile`])
    expect(text).toContain('For developers')
    const [event] = other.told('login.failed')
    expect(event?.error.code).toBe('ERR_PROVIDER_RESPONSE')
    expect(readRefusal(event?.error).claims).toMatchObject({ aud: provider.issuer })
  })

  test('is told by the rules of its provider', async () => {
    provider.behave.raw.token = { ...refused, body: '{"error":"invalid_client"}' }
    const key = createPrivateKey(setting.privateKeyPem)
    const other = await startOther({
      provider: 'jiko',
      ...({ clientKey: undefined } as object),
      // What is made here keeps the rules; a function may return anything
      clientAuth: ({ issuer, clientId }) =>
        new SignJWT({ iss: clientId, sub: clientId, aud: issuer, jti: randomUUID() })
          .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'JWT' })
          .setIssuedAt()
          .setExpirationTime('1m')
          .sign(key),
    })
    const { text } = await logIn(other)
    const { causes } = readRefusal(other.told('login.failed')[0]?.error)
    expect(causes.map(({ rule }) => rule)).toEqual(['alg', 'kid', 'aud', 'key', 'client'])
    expect(text).toContain(presets.jiko.sources[0])
  })

  test('shows at localhost what was sent, and in production nothing but a reference', async () => {
    provider.behave.raw.token = refused
    const shown = await logIn()
    vi.stubEnv('NODE_ENV', 'production')
    const plain = await logIn()
    const [, event] = setting.told('login.failed')
    for (const { text } of [shown, plain]) {
      expect(text).toContain('<h1>Sign-in is not possible right now</h1>')
      expect(text).toContain('The problem is not on your side')
    }
    for (const part of ['For developers', 'private_key_jwt', 'doctor --probe', '&quot;jti&quot;']) {
      expect(shown.text).toContain(part)
      expect(plain.text).not.toContain(part)
    }
    expect(plain.text).not.toMatch(/invalid_client|assertion|Token reuse|127\.0\.0\.1|"app"/)
    expect(plain.text).toContain(event?.reference)
    const policies = [shown, plain].map(({ headers }) => headers['content-security-policy'])
    for (const policy of policies) expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-/)
    expect(shown.text).not.toMatch(/<script|\sstyle=/)
  })

  test('tells a program the same, and in production nothing', async () => {
    provider.behave.metadata = (honest) => ({
      ...honest,
      require_pushed_authorization_requests: true,
    })
    provider.behave.raw.pushed_authorization_request = refused
    const other = await startOther({})
    const ask = async (where: Setting) => {
      const { text } = await where.browser().navigate(`${where.app.url}/login`, json)
      return JSON.parse(text)
    }
    expect(await ask(other)).toMatchObject({
      code: 'ERR_PROVIDER_RESPONSE',
      title: 'Sign-in is not possible right now',
      refusal: { claims: { sub: 'app' }, command: 'npx countersign doctor --probe' },
    })
    // An address that others can reach
    expect(await ask(await startOther({ baseUrl: 'https://app.example' }))).not.toHaveProperty(
      'refusal',
    )
    vi.stubEnv('NODE_ENV', 'production')
    expect(await ask(other)).not.toHaveProperty('refusal')
  })

  test('is told by its own request, however many there are at once', async () => {
    provider.behave.raw.token = refused
    provider.behave.delay.token = 30
    const pages = await Promise.all(Array.from({ length: 4 }, () => logIn()))
    const sent = new Map(
      provider
        .requestsTo('token')
        .map(({ form }) => [form.get('code'), form.get('client_assertion')]),
    )
    for (const page of pages) {
      const { jti } = decodeJwt(sent.get(readCode(page)) ?? '')
      expect(page.text).toContain(`&quot;jti&quot;: &quot;${jti}&quot;`)
    }
    expect(new Set(sent.values()).size).toBe(4)
  })

  test('gets the error, with all of it, into its own page', async () => {
    provider.behave.raw.token = refused
    const other = await startOther({
      onError: (error) => ({
        status: 418,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify('refusal' in error ? error.refusal : {}),
      }),
    })
    const { status, text } = await logIn(other)
    expect(status).toBe(418)
    expect(JSON.parse(text)).toMatchObject({ causes: expect.any(Array), claims: { sub: 'app' } })
  })

  describe('by a hostile provider', () => {
    /** Starts an app whose token endpoint does what a test wants with the request's form. */
    async function startHostile(
      answer: (form: URLSearchParams, res: ServerResponse) => void,
    ): Promise<{ other: Setting; forms: URLSearchParams[]; close(): void }> {
      const forms: URLSearchParams[] = []
      const server = createServer(async (req, res) => {
        let body = ''
        for await (const chunk of req) body += chunk
        const form = new URLSearchParams(body)
        forms.push(form)
        answer(form, res)
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      provider.behave.metadata = (honest) => ({
        ...honest,
        token_endpoint: `http://127.0.0.1:${port}/token`,
      })
      const other = await startOther({ http: { timeout: 2 } })
      const close = () => void server.close().closeAllConnections()
      return { other, forms, close }
    }

    test('shows and tells nothing that was sent, and runs nothing that was answered', async () => {
      const markup = '<img src=x onerror=alert(1)>'
      const { other, forms, close } = await startHostile((form, res) => {
        const said = [...form.values(), markup].join(' ')
        res.writeHead(401, { 'content-type': 'application/json' })
        res.end(
          JSON.stringify({ error: 'invalid_client', error_description: said, error_uri: said }),
        )
      })
      const { text } = await logIn(other)
      close()
      const told = text + JSON.stringify(other.events)
      const [form] = forms
      for (const name of ['client_assertion', 'code', 'code_verifier']) {
        expect(form?.get(name)).toMatch(/^.{20,}$/)
        expect(told).not.toContain(form?.get(name))
      }
      expect(told).not.toContain(form?.get('client_assertion')?.split('.')[2])
      expect(text).not.toContain('<img')
    })

    test.each([
      ['an endless body', (res: ServerResponse) => void res.writeHead(401).write('{"error":')],
      ['a large body', (res: ServerResponse) => void res.writeHead(401).end('x'.repeat(2 ** 21))],
      ['no body', (res: ServerResponse) => void res.writeHead(401).end()],
      ['a deep body', (res: ServerResponse) => void res.writeHead(400).end('['.repeat(500_000))],
      [
        'a moment that is none',
        (res: ServerResponse) => void res.writeHead(401, { date: 'x' }).end(),
      ],
    ])('ends in an error page after %s', async (_name, answer) => {
      const { other, close } = await startHostile((_form, res) => answer(res))
      const { status, text } = await logIn(other)
      close()
      expect(status).toBeGreaterThanOrEqual(502)
      expect(text.length).toBeLessThan(20_000)
      expect(other.told('login.failed')).toHaveLength(1)
    })
  })
})

/** The code with which a login ended. */
function readCode({ history }: Page): string {
  const callback = history.find(({ url }) => url.includes('/callback?'))
  return new URL(callback?.url ?? '').searchParams.get('code') ?? ''
}
