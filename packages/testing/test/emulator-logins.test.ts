import { type Preset, presets } from '@countersign/core'
import { compactDecrypt, decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createUserAgent } from '../../../test/support/user-agent.ts'
import { generateClientKey, type ProviderClient, startProvider } from '../src/index.ts'
import { postLogoutRedirectUri, redirectUri, visit } from './app.ts'
import { type Emulated, getWithoutUserAgent, startEmulated } from './emulated.ts'
import { authorize, buildRequest, redeem, verifier } from './emulated-login.ts'

const { jiko, auth0, signicat, apple } = presets

/** A provider that asks for vectors of trust, and tells which program calls. */
const trusting: Preset = {
  ...jiko,
  name: 'trusting',
  title: 'Trusting',
  authorization: {
    required: ['vtr'],
    refusedScopes: ['profile', 'offline_access'],
    responseModes: ['query', 'fragment'],
    prompts: ['select_account'],
  },
  acr: { parameter: 'vtr', claim: 'vot', components: ['C'] },
  isUserAgentRequired: true,
}

const encrypting: Preset = {
  ...presets.criipto,
  name: 'encrypting',
  title: 'Encrypting',
  isIdTokenEncrypted: true,
  idTokenAlgs: ['ES256'],
}

const closing: Emulated[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map(({ provider }) => provider.close()))
})

async function start(preset: Preset, client: Partial<ProviderClient> = {}): Promise<Emulated> {
  const emulated = await startEmulated(preset, client)
  closing.push(emulated)
  return emulated
}

describe('a login', () => {
  test.each([jiko, auth0, signicat])('works at $title, twice in a row', async (preset) => {
    const emulated = await start(preset)
    for (const acr of ['low', 'high']) {
      const { response } = await authorize(emulated, { acr_values: acr })
      expect(response.get('iss')).toBe(emulated.provider.issuer)
      const { id_token = '' } = await redeem(emulated, response.get('code') ?? '')
      expect(decodeJwt(id_token)).toMatchObject({ iss: emulated.provider.issuer, sub: 'ada', acr })
    }
    expect(emulated.provider.refusals).toEqual([])
  })

  test('with a secret that is signed works, and is answered with a form', async () => {
    const emulated = await start(apple)
    const { text } = await authorize(emulated, { response_mode: 'form_post' })
    const [, code = ''] = /name="code" value="([^"]+)"/.exec(text) ?? []
    expect(decodeJwt((await redeem(emulated, code))['id_token'] ?? '')).toMatchObject({
      sub: 'ada',
    })
  })

  test('that asks for a vector of trust gets a "vot" with its own components', async () => {
    const emulated = await start(trusting)
    const { response } = await authorize(emulated, {
      vtr: '["P2.Cl.Cm"]',
      prompt: 'select_account',
    })
    const claims = decodeJwt((await redeem(emulated, response.get('code') ?? ''))['id_token'] ?? '')
    expect(claims).toMatchObject({ vot: 'Cl.Cm' })
    expect(claims).not.toHaveProperty('acr')
  })

  test('that was pushed works', async () => {
    const emulated = await start(trusting)
    const form = await emulated.buildForm('pushed_authorization_request', {
      form: await buildRequest({ vtr: '["Cl"]' }),
    })
    const url = `${emulated.provider.issuer}/par`
    const pushed = (await (await fetch(url, { method: 'POST', body: form })).json()) as {
      request_uri: string
    }
    // What is sent beside it counts for nothing: RFC 9101, 6.3
    const beside = { request_uri: pushed.request_uri, prompt: 'login' }
    const query = new URLSearchParams({ client_id: 'app', ...beside })
    const page = await visit(createUserAgent(), `${emulated.provider.issuer}/authorize?${query}`)
    expect(page.history.at(-1)?.location).toContain('code=')
    expect(emulated.provider.refusals).toEqual([])
  })

  test('gets an encrypted ID Token, by an algorithm that the documents name', async () => {
    const signing = await generateClientKey('RS256')
    const pair = await generateKeyPair('RSA-OAEP-256', { extractable: true })
    const encryption = { ...(await exportJWK(pair.publicKey)), use: 'enc', kid: 'for-encryption' }
    const keys = [signing.publicJwk, encryption]
    const emulated = await start(encrypting, { jwks: { keys } })
    const { response } = await authorize(emulated)
    const form = { signer: signing, header: { kid: signing.kid } }
    const sent = await emulated.buildForm('token', form)
    const code = response.get('code') ?? ''
    for (const [name, value] of Object.entries({
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    })) {
      sent.set(name, value)
    }
    const answer = await fetch(`${emulated.provider.issuer}/token`, { method: 'POST', body: sent })
    const { id_token } = (await answer.json()) as { id_token: string }
    const { plaintext, protectedHeader } = await compactDecrypt(id_token, pair.privateKey)
    expect(protectedHeader).toMatchObject({ alg: 'RSA-OAEP-256', kid: 'for-encryption' })
    const inner = new TextDecoder().decode(plaintext)
    expect(decodeJwt(inner)).toMatchObject({ sub: 'ada' })
    expect(decodeProtectedHeader(inner)).toMatchObject({ alg: 'ES256' })
  })

  test('without a key to encrypt ID Tokens for is refused', async () => {
    const emulated = await start(encrypting)
    const { response } = await authorize(emulated)
    expect(await redeem(emulated, response.get('code') ?? '')).toMatchObject({
      error: 'invalid_client',
    })
    expect(emulated.provider.refusals).toMatchObject([
      {
        rule: 'encryption_key',
        message:
          'ID Tokens are encrypted, and the JWK Set of the client has no key with "use": "enc"',
      },
    ])
  })
})

describe('below the path of an issuer', () => {
  const clients = [
    {
      clientId: 'app',
      redirectUris: [redirectUri],
      postLogoutRedirectUris: [postLogoutRedirectUri],
      clientSecret: 'a-secret-that-only-tests-know',
    },
  ]

  test.each(['page', 'auto'] as const)(
    'in the mode "%s" there is a login and a logout',
    async (interaction) => {
      const provider = await startProvider({
        preset: 'signicat',
        interaction,
        clients,
        onLog: () => {},
      })
      try {
        const agent = createUserAgent()
        const query = new URLSearchParams(await buildRequest({}))
        const page = await visit(agent, `${provider.issuer}/authorize?${query}`)
        const [, action] = /action="([^"]+)"/.exec(page.text) ?? []
        if (interaction === 'page') expect(action).toMatch(/^\/auth\/open\/sign-in\/./)
        else expect(page.history.at(-1)?.location).toContain('code=')
        const leaving = { client_id: 'app', post_logout_redirect_uri: postLogoutRedirectUri }
        const end = `${provider.issuer}/logout?${new URLSearchParams(leaving)}`
        const left = await visit(agent, end)
        expect(left.history.at(-1)?.location).toBe(postLogoutRedirectUri)
        expect((await fetch(new URL('/token', provider.issuer))).status).toBe(404)
      } finally {
        await provider.close()
      }
    },
  )
})

describe('an Authentication Request', () => {
  const vtr = '["Cl.Cm"]'
  let emulated: Emulated
  let told = { refusals: 0, lines: 0 }
  beforeAll(async () => {
    emulated = await startEmulated(trusting)
  })
  beforeEach(() => {
    told = { refusals: emulated.provider.refusals.length, lines: emulated.lines.length }
  })
  afterAll(() => emulated.provider.close())
  const refusals = () => emulated.provider.refusals.slice(told.refusals)

  test.each([
    ['parameter', {}, 'invalid_request', '"vtr" is required'],
    [
      'vtr',
      { vtr: 'Cl.Cm' },
      'invalid_request',
      '"vtr" must be a JSON array of vectors of trust, such as ["Cl.Cm"]',
    ],
    ['scope', { vtr, scope: 'openid profile' }, 'invalid_scope', '"scope" must not have "profile"'],
    [
      'scope',
      { vtr, scope: 'openid offline_access' },
      'invalid_scope',
      '"scope" must not have "offline_access"',
    ],
    [
      'prompt',
      { vtr, prompt: 'login' },
      'invalid_request',
      '"prompt" must be "select_account", and is "login"',
    ],
  ])('that breaks the rule "%s" ends at the app', async (rule, params, error, message) => {
    const { response } = await authorize(emulated, params)
    expect(Object.fromEntries(response)).toEqual({
      error,
      error_description: message.replaceAll('"', "'"),
      state: 'the-state',
      iss: emulated.provider.issuer,
    })
    const refusal = { rule, message, endpoint: 'authorization', clientId: 'app' }
    expect(refusals()).toEqual([refusal])
    expect(emulated.lines.slice(told.lines)).toEqual([
      `Trusting: authorization: the rule "${rule}" is broken: ${message} (${jiko.sources[0]})`,
    ])
  })

  test('with a response mode that is refused is answered in it nonetheless', async () => {
    const { text } = await authorize(emulated, { vtr, response_mode: 'form_post' })
    expect(text).toContain('invalid_request')
    expect(refusals()).toMatchObject([
      {
        rule: 'response_mode',
        message: '"response_mode" must be "query" or "fragment", and is "form_post"',
      },
    ])
  })

  test('with nowhere to go back to ends on a page', async () => {
    const { text } = await authorize(emulated, { redirect_uri: 'http://localhost:9/elsewhere' })
    expect(text).toContain('invalid_redirect_uri')
  })

  test('is refused when it is pushed', async () => {
    const form = await emulated.buildForm('pushed_authorization_request', {
      form: await buildRequest({}),
    })
    const answer = await fetch(`${emulated.provider.issuer}/par`, { method: 'POST', body: form })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toEqual({
      error: 'invalid_request',
      error_description: `'vtr' is required`,
    })
    expect(refusals()).toMatchObject([{ endpoint: 'pushed_authorization_request' }])
  })
})

describe('a request without a "User-Agent"', () => {
  test('gets 403 where one is required, wherever it goes', async () => {
    const { provider, lines } = await start(trusting)
    const url = `${provider.issuer}/.well-known/openid-configuration`
    expect(await getWithoutUserAgent(url)).toEqual({
      status: 403,
      text: 'Forbidden: every request must have a "User-Agent"\n',
    })
    expect(provider.refusals).toMatchObject([{ rule: 'user_agent' }])
    expect(lines).toHaveLength(1)
    expect((await fetch(url)).status).toBe(200)
  })

  test('is answered where none is', async () => {
    const { provider } = await start(jiko)
    const url = `${provider.issuer}/.well-known/openid-configuration`
    expect(await getWithoutUserAgent(url)).toMatchObject({ status: 200 })
  })
})

describe('what is said', () => {
  const written: string[] = []
  beforeEach(() => {
    written.length = 0
    vi.spyOn(process.stderr, 'write').mockImplementation((line) => written.push(String(line)) > 0)
  })
  afterEach(() => vi.restoreAllMocks())

  test('goes to the standard error, a line for each rule', async () => {
    const { publicJwk } = await generateClientKey('PS256')
    const clients = [{ clientId: 'app', redirectUris: [redirectUri], publicKey: publicJwk }]
    const provider = await startProvider({ preset: 'jiko', clients })
    try {
      const body = new URLSearchParams({ grant_type: 'authorization_code', client_id: 'app' })
      await fetch(`${provider.issuer}/token`, { method: 'POST', body })
    } finally {
      await provider.close()
    }
    expect(written).toEqual([
      'Jiko: token: the rule "client_auth" is broken: the client does not authenticate: it must be ' +
        `private_key_jwt (${jiko.sources[0]})\n`,
    ])
  })
})
