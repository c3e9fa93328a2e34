import { describe, expect, test } from 'vitest'
import { ProviderError } from '../../src/errors.ts'
import { buildEventError } from '../../src/events.ts'
import { createClientFetch } from '../../src/provider/client-refusal.ts'
import type { Preset } from '../../src/provider/preset.ts'
import { auth0 } from '../../src/provider/presets/auth0.ts'
import { jiko } from '../../src/provider/presets/jiko.ts'

const issuer = 'https://op.example'
const server = {
  issuer,
  token_endpoint: `${issuer}/token`,
  pushed_authorization_request_endpoint: `${issuer}/par`,
  revocation_endpoint: `${issuer}/revoke`,
  introspection_endpoint: `${issuer}/introspect`,
}
const now = 1_790_000_000
const clock = { now: () => now }
const signature = 'c2lnbmF0dXJlLXNpZ25hdHVyZS1zaWduYXR1cmU'
const code = 'SplxlOBeZQQYbYS6WxSbIA'

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

function sign(header: object = {}, claims: object = {}): string {
  const made = {
    iss: 'app',
    sub: 'app',
    aud: issuer,
    jti: 'b9c1d3f0-0000-4000-8000-000000000000',
    iat: now,
    exp: now + 60,
    ...claims,
  }
  return [encode({ alg: 'ES256', kid: 'one', ...header }), encode(made), signature].join('.')
}

function buildForm(assertion: string = sign(), more: Readonly<Record<string, string>> = {}) {
  return new URLSearchParams({ client_id: 'app', client_assertion: assertion, code, ...more })
}

interface Asked {
  readonly answer: Response
  readonly body?: URLSearchParams
  readonly headers?: Record<string, string>
  readonly url?: string
  readonly preset?: Preset
  readonly metadata?: object
}

function refusedWith(description?: string, headers: Record<string, string> = {}): Response {
  const body = JSON.stringify({ error: 'invalid_client', error_description: description })
  return new Response(body, { status: 401, headers })
}

function send(asked: Asked): Promise<Response> {
  const { answer, body = buildForm(), headers = {}, url = server.token_endpoint, preset } = asked
  const fetch = createClientFetch(
    { ...server, ...asked.metadata },
    { clientId: 'app', preset, clock, fetch: async () => answer },
  )
  return fetch(url, { method: 'POST', headers, body, redirect: 'manual' })
}

async function refuse(asked: Asked): Promise<ProviderError> {
  const error: unknown = await send(asked).catch((thrown: unknown) => thrown)
  return error instanceof ProviderError ? error : expect.unreachable('it was not refused')
}

async function rules(asked: Asked): Promise<readonly string[]> {
  return (await refuse(asked)).refusal?.causes.map(({ rule }) => rule) ?? []
}

describe('a client that is refused', () => {
  test.each([
    ['token_endpoint', 'ERR_TOKEN_RESPONSE'],
    ['pushed_authorization_request_endpoint', 'ERR_PROVIDER_RESPONSE'],
    ['revocation_endpoint', 'ERR_PROVIDER_RESPONSE'],
    ['introspection_endpoint', 'ERR_PROVIDER_RESPONSE'],
  ] as const)('at the %s is an error with what was sent', async (name, expected) => {
    const error = await refuse({ answer: refusedWith('no'), url: server[name] })
    expect(error).toMatchObject({
      code: expected,
      endpoint: server[name],
      error: 'invalid_client',
      error_description: 'no',
      refusal: {
        header: { alg: 'ES256', kid: 'one' },
        claims: { iss: 'app', sub: 'app', aud: issuer, iat: now, exp: now + 60 },
        command: 'npx countersign doctor --probe',
      },
    })
    expect(error.message).toContain(
      `${server[name]} answered "invalid_client": no. Most likely the`,
    )
  })

  test('is one with a status of 400 and a challenge as well, and one without a word', async () => {
    const challenge = { 'www-authenticate': 'Basic realm="op"' }
    const body = JSON.stringify({ error: 'invalid_client' })
    const answer = new Response(body, { status: 400, headers: challenge })
    expect((await refuse({ answer })).error).toBe('invalid_client')
    const silent = await refuse({ answer: new Response('<h1>no</h1>', { status: 401 }) })
    expect(silent.error).toBeUndefined()
    expect(silent.message).toMatch(
      /^https:\/\/op\.example\/token refused the client \(401\)\. Most/,
    )
    const said = 'Basic realm="x", error="invalid_client", error_description="who?"'
    const told = new Response(null, { status: 401, headers: { 'www-authenticate': said } })
    const { error, error_description: who } = await refuse({ answer: told })
    expect([error, who]).toEqual(['invalid_client', 'who?'])
  })

  test('is one by other words, where a provider is known to use them', async () => {
    const said = { error: 'unauthorized_client', error_description: 'AADSTS700016: not found' }
    const answer = new Response(JSON.stringify(said), { status: 400 })
    const { error, refusal } = await refuse({ answer })
    expect(error).toBe('unauthorized_client')
    expect(refusal?.causes[0]?.rule).toBe('client')
  })

  test.each([
    [200, '{"access_token":"a"}'],
    [400, '{"error":"invalid_grant","error_description":"unknown client"}'],
    [401, '{"error":"invalid_token"}'],
    [400, '{"error":"unauthorized_client","error_description":"not for this grant"}'],
    [400, 'not JSON'],
    [403, '<h1>who are you?</h1>'],
    [503, '{"error":"invalid_client"}'],
  ])('is not what %i %s says, and the response is handed on as it came', async (status, body) => {
    const answer = new Response(body, { status })
    const response = await send({ answer })
    expect(response).toBe(answer)
    expect(await response.text()).toBe(body)
  })

  test('is not looked for elsewhere', async () => {
    const answer = refusedWith()
    expect(await send({ answer, url: `${issuer}/userinfo` })).toBe(answer)
  })
})

describe('the causes', () => {
  test('are, where nothing is known, the key, what some want, and the client', async () => {
    const { refusal } = await refuse({ answer: refusedWith() })
    expect(refusal?.causes).toEqual([
      {
        rule: 'key',
        message:
          'the key is not registered with "alg" "ES256" and "kid" "one", or under another name or ' +
          'algorithm, or the provider still has an old copy of the JWK Set',
        fix: 'register the JWKS URL of this app, or upload what it has; "npx countersign jwks" shows it',
      },
      {
        rule: 'kid',
        message: 'some providers look for a "kid" that they have made up themselves',
        fix: 'give the key that name ("?kid=…"), or set "assertion.kid" to false',
      },
      {
        rule: 'aud',
        message: '"aud" is the issuer, and some providers want their token endpoint',
        fix: 'try "token_endpoint" as "assertion.audience"',
      },
      {
        rule: 'client',
        message: '"app" is not the client_id, or the client is not set to private_key_jwt',
        fix: 'compare "clientId" and the authentication method with the page of this client at the provider',
      },
    ])
  })

  test('begin with the rules of the provider that are broken, and how to keep them', async () => {
    const { refusal, message } = await refuse({ answer: refusedWith(), preset: jiko })
    const [source] = jiko.sources
    expect(refusal?.causes).toMatchObject([
      { rule: 'alg', fix: expect.stringContaining('"?alg=PS256"'), source },
      { rule: 'typ', fix: 'set "assertion.typ" to "JWT"', source },
      { rule: 'kid', fix: 'set "assertion.kid" to false', source },
      {
        rule: 'aud',
        message: expect.stringMatching(/^Jiko: "aud" must be .*\/token", and is /),
        fix: `set "assertion.audience" to "token_endpoint", which is ${issuer}/token`,
        source,
      },
      {
        rule: 'key',
        fix: expect.stringContaining(`as PEM at ${jiko.registration.where}`),
        source,
      },
      { rule: 'client', fix: expect.stringMatching(/ at Jiko$/) },
    ])
    expect(message).toContain('Most likely Jiko: "alg" must be "PS256" or "EdDSA"')
  })

  test('are the key and the client where no rule is broken', async () => {
    const body = buildForm(sign({ alg: 'RS256', kid: undefined }))
    expect(await rules({ answer: refusedWith(), preset: auth0, body })).toEqual(['key', 'client'])
  })

  test('begin with what the provider says, together with the rule that it means', async () => {
    const answer = refusedWith('Token reuse detected')
    expect((await rules({ answer }))[0]).toBe('jti')
    const okta = refusedWith('The audience claim for client_assertion must be the endpoint invoked')
    const { refusal } = await refuse({ answer: okta, preset: jiko })
    const [first, ...others] = refusal?.causes ?? []
    expect(first).toMatchObject({
      rule: 'aud',
      message: expect.stringMatching(/^Okta wants the URL .*: Jiko: "aud" must be /),
    })
    expect(others.map(({ rule }) => rule)).toEqual(['alg', 'typ', 'kid', 'key', 'client'])
  })

  test('are found in the address of a page about the error, too', async () => {
    const said = {
      error: 'invalid_client',
      error_uri: 'https://documentation.openiddict.com/errors/ID2089',
    }
    const answer = new Response(JSON.stringify(said), { status: 401 })
    expect((await rules({ answer }))[0]).toBe('typ')
  })

  test.each([
    [-30, "the provider's clock is 30 s behind this machine's"],
    [6, "the provider's clock is 6 s ahead of this machine's"],
  ])('have the clocks where they differ by %i s', async (seconds, message) => {
    const date = new Date((now + seconds) * 1000).toUTCString()
    const { refusal } = await refuse({ answer: refusedWith('no', { date }) })
    expect(refusal?.causes[0]).toMatchObject({ rule: 'clock', message })
  })

  test.each([
    'Thu, 01 Jan 1970 00:00:00 GMT',
    'soon',
    '',
    new Date((now - 5) * 1000).toUTCString(),
  ])('have no clocks where the provider says "%s"', async (date) => {
    expect(await rules({ answer: refusedWith('no', { date }) })).not.toContain('clock')
  })

  test("judge an assertion by the provider's clock", async () => {
    const date = new Date((now + 600) * 1000).toUTCString()
    const found = await rules({ answer: refusedWith('no', { date }), preset: auth0 })
    expect(found).toEqual(['alg', 'exp', 'clock', 'key', 'client'])
  })

  test('have what the metadata rules out, and no name of another form', async () => {
    const metadata = {
      token_endpoint_auth_signing_alg_values_supported: ['PS256', 'x\r\ny', `${code}${code}`],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 7],
    }
    const { refusal } = await refuse({ answer: refusedWith(), metadata })
    expect(refusal?.causes.map(({ message }) => message)).toMatchObject([
      'the metadata lists client_secret_basic as methods, and not private_key_jwt',
      'the metadata lists PS256 for client assertions, and "alg" is "ES256"',
      expect.stringContaining('the key is not registered'),
      expect.any(String),
      expect.any(String),
      expect.any(String),
    ])
  })

  test('are the secret and the client, or the client alone, where there is no assertion', async () => {
    const answer = () => refusedWith()
    const secret = new URLSearchParams({ client_id: 'app', client_secret: 'hush-hush' })
    expect(await rules({ answer: answer(), body: secret })).toEqual(['secret', 'client'])
    const headers = { authorization: `Basic ${Buffer.from('app:hush-hush').toString('base64')}` }
    const basic = await refuse({ answer: answer(), body: new URLSearchParams(), headers })
    expect(basic.refusal).not.toHaveProperty('header')
    expect(basic.refusal?.causes.at(-1)?.message).toContain('not set to client_secret_basic')
    const body = new URLSearchParams({ client_id: 'app' })
    expect(await rules({ answer: answer(), body })).toEqual(['client', 'client'])
    const hmac = buildForm(sign({ alg: 'HS256', kid: undefined }))
    expect(await rules({ answer: answer(), body: hmac })).toEqual(['secret', 'aud', 'client'])
  })

  test('read a client secret that is a signed JWT', async () => {
    const body = new URLSearchParams({ client_id: 'app', client_secret: sign({}, { iss: 'TEAM' }) })
    const { refusal } = await refuse({ answer: refusedWith(), body })
    expect(refusal?.claims).toMatchObject({ iss: 'TEAM', sub: 'app' })
    expect(refusal?.causes.at(-1)?.message).toContain('not set to signed_client_secret')
  })
})

describe('what is told', () => {
  const secret = 'p4ss/w+rd'
  const secrets = { code, code_verifier: 'short-verifier', refresh_token: '8xLOxBtZp8' }

  test.each([
    ['plainly', (value: string) => value],
    ['encoded', (value: string) => encodeURIComponent(value)],
    ['many times', (value: string) => `${value} `.repeat(500)],
    ['after much else', (value: string) => `${'-'.repeat(280)}${value}`],
  ])('has nothing of the request that the provider repeats %s', async (_how, repeat) => {
    const assertion = sign()
    const body = buildForm(assertion, { ...secrets, client_secret: secret })
    for (const value of [assertion, signature, secret, ...Object.values(secrets)]) {
      const error = await refuse({ answer: refusedWith(repeat(value)), body })
      const told = JSON.stringify([buildEventError(error), error, error.message])
      for (const hidden of [assertion, signature, secret, ...Object.values(secrets)]) {
        expect(told).not.toContain(hidden)
        expect(told).not.toContain(encodeURIComponent(hidden))
      }
      expect(told.length).toBeLessThan(10_000)
    }
  })

  test('has nothing of a secret in the Authorization header', async () => {
    const pair = Buffer.from(`app:${encodeURIComponent(secret)}`).toString('base64')
    const answer = refusedWith(`not ${secret}, ${encodeURIComponent(secret)} or ${pair}`)
    const headers = { Authorization: `Basic ${pair}` }
    const error = await refuse({ answer, headers, body: new URLSearchParams() })
    expect(error.error_description).toBe('not [removed], [removed] or [removed]')
  })

  test('is bounded, and has no tokens within claims and no whole certificates', async () => {
    const x5c = ['M'.repeat(2000)]
    const claims = {
      sub: 's'.repeat(1000),
      deep: { a: { b: { c: { d: 1 } } } },
      proof: `Bearer ${sign()}`,
      list: Array.from({ length: 100 }, () => 1),
    }
    const body = buildForm(sign({ x5c }, claims))
    const { refusal } = await refuse({ answer: refusedWith(), body })
    expect(refusal?.header?.['x5c']).toEqual([`${'M'.repeat(32)}…`])
    expect(refusal?.claims).toMatchObject({
      sub: `${'s'.repeat(256)}…`,
      deep: { a: { b: { c: '…' } } },
      proof: 'Bearer [removed]',
    })
    expect(refusal?.claims?.['list']).toHaveLength(32)
    const wide = {
      wide: Array.from({ length: 32 }, () => Array.from({ length: 32 }, () => 'wide')),
    }
    const other = await refuse({ answer: refusedWith(), body: buildForm(sign({}, wide)) })
    expect(other.refusal?.claims?.['wide']).toHaveLength(32)
    const large = {
      large: Array.from({ length: 32 }, () => Array.from({ length: 32 }, () => '0123456789')),
    }
    const last = await refuse({ answer: refusedWith(), body: buildForm(sign({}, large)) })
    expect(last.refusal?.claims).toMatchObject({ iss: 'app', large: '…' })
  })

  test.each([
    'null',
    '[]',
    '{"error":"invalid_client","error_description":{"a":1}}',
    '{"error":["invalid_client"]}',
    `{"error":"invalid_client","error_description":"${'é\\n'.repeat(100_000)}"}`,
    `{"error":"invalid_client","x":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
  ])('is short and of one line, whatever the body is', async (body) => {
    const error = await refuse({ answer: new Response(body, { status: 401 }) })
    expect(error.message).toMatch(/^[\x20-\x7e…]{1,900}$/)
  })

  test('has no header and claims of what is no JWT', async () => {
    for (const assertion of ['', 'x', 'a.b.c', `${encode([])}.${encode({})}.x`]) {
      const error = await refuse({ answer: refusedWith(), body: buildForm(assertion) })
      expect(error.refusal?.header).toBeUndefined()
      expect(error.refusal?.causes.length).toBeGreaterThan(0)
    }
  })

  test('is of its own request, however many there are at once', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `name-${index}`)
    const found = await Promise.all(
      names.map((sub) => refuse({ answer: refusedWith(), body: buildForm(sign({}, { sub })) })),
    )
    expect(found.map(({ refusal }) => refusal?.claims?.['sub'])).toEqual(names)
  })
})

test('an endpoint is the one that the metadata has, however openid-client writes it', async () => {
  const par = 'HTTPS://op.example:443/par'
  const metadata = { pushed_authorization_request_endpoint: par }
  const { algs } = jiko.assertion ?? { algs: ['PS256'] }
  const called = {
    ...jiko,
    assertion: { algs, audience: ['called_endpoint'], kid: false },
  } as const
  const body = buildForm(sign({ alg: 'PS256' }, { aud: par }))
  const url = `${issuer}/par`
  const found = await rules({ answer: refusedWith(), preset: called, metadata, body, url })
  expect(found).toEqual(['key', 'client'])
})

test('an assertion under a shared secret is held to no rule about keys', async () => {
  const body = buildForm(sign({ alg: 'HS256' }, { aud: server.token_endpoint }))
  const found = await rules({ answer: refusedWith(), preset: jiko, body })
  expect(found).not.toContain('alg')
  expect(found).toContain('secret')
})

test('the name of our key is no secret, where the provider says that it does not know it', async () => {
  const kid = 'l5vlNk6vAAKXeexQfgUUa3bRWukrDTTV8pad8el8FmM'
  const answer = refusedWith(`${kid}, not ${kid.replace('l5', 'L6')}`)
  const { error_description } = await refuse({ answer, body: buildForm(sign({ kid })) })
  expect(error_description).toBe(`${kid}, not [removed]`)
})
