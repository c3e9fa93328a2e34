import { type Preset, presets } from '@countersign/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EmulatorRule, findEmulatedRules, generateClientKey } from '../src/index.ts'
import { type Emulated, type Fault, seconds, startEmulated } from './emulated.ts'

/** A provider that knows keys by their certificates. */
const certified: Preset = {
  name: 'certified',
  title: 'Certified',
  sources: ['https://certified.example/keys'],
  issuer: { example: 'https://certified.example/{tenant}/v2.0' },
  clientAuth: ['private_key_jwt'],
  assertion: {
    algs: ['PS256'],
    audience: ['token_endpoint'],
    typ: ['JWT'],
    kid: false,
    certificate: 'x5t#S256',
    required: ['iat', 'nbf', 'jti'],
  },
  registration: { forms: ['certificate'], where: 'a portal' },
}

/** A provider with a text of its own for the audience, that takes no moment that is still to come. */
const particular: Preset = {
  name: 'particular',
  title: 'Particular',
  sources: ['https://particular.example/keys'],
  issuer: { example: 'https://particular.example' },
  clientAuth: ['private_key_jwt'],
  assertion: {
    algs: ['ES256'],
    audience: ['https://particular.example/for-everybody', 'called_endpoint'],
    typ: ['client-authentication+jwt'],
    kid: 'thumbprint',
    kidRule: 'required',
    maxLifetime: 120,
    backdate: 10,
    required: ['jti'],
    isJtiSingleUse: true,
  },
  registration: { forms: ['jwks'], where: 'a portal' },
}

const { jiko, auth0, signicat, criipto, okta, apple } = presets
const all = [jiko, auth0, signicat, criipto, okta, apple, certified, particular]

const strangers = new Map([
  ['RS256', generateClientKey('RS256')],
  ['PS256', generateClientKey('PS256')],
  ['ES256', generateClientKey('ES256')],
  ['EdDSA', generateClientKey('EdDSA')],
])

/** How each rule is broken, and no other. */
const faults: Readonly<Partial<Record<EmulatorRule, (app: Emulated) => Promise<Fault> | Fault>>> = {
  async alg({ preset }) {
    const [, other] = [...strangers].find(([alg]) => !accepts(preset, alg)) ?? []
    return other ? { signer: await other } : {}
  },
  typ: () => ({ header: { typ: 'at+jwt' } }),
  kid: ({ preset, key }) => ({
    header: { kid: preset.assertion?.kidRule === 'refused' ? key.kid : 'somebody-elses' },
  }),
  certificate: () => ({ header: { 'x5t#S256': 'AAAA' } }),
  iss: () => ({ claims: { iss: 'other' } }),
  sub: () => ({ claims: { sub: 'other' } }),
  client_id: ({ preset }) => ({
    form: { client_id: preset.assertion?.isClientIdRequired ? undefined : 'other' },
  }),
  aud: ({ provider }) => ({ claims: { aud: [provider.issuer] } }),
  exp: () => ({ claims: { iat: seconds() - 90, exp: seconds() - 30 } }),
  lifetime: ({ preset }) => ({
    claims: { exp: seconds() + (preset.assertion?.maxLifetime ?? 0) + 60 },
  }),
  iat: () => ({ claims: { iat: seconds() + 40, exp: seconds() + 55 } }),
  nbf: () => ({ claims: { nbf: seconds() + 40 } }),
  jti: () => ({ claims: { jti: 'x'.repeat(256) } }),
  // There is one already
  form: () => ({ form: { grant_type: 'refresh_token' } }),
  client: () => ({ claims: { iss: 'x', sub: 'x' }, form: { client_id: 'nobody' } }),
  client_auth: () => ({
    form: { client_assertion: undefined, client_assertion_type: undefined, client_secret: 'x' },
  }),
  client_assertion_type: () => ({ form: { client_assertion_type: 'jwt' } }),
  client_assertion: () => ({ jws: 'not.a.jwt' }),
  async key({ preset }) {
    return { signer: await generateClientKey(preset.assertion?.algs[0]) }
  },
  async jti_once(app) {
    const jws = await app.sign('token')
    await app.send('token', { jws })
    return { jws }
  },
}

function accepts({ assertion }: Preset, alg: string): boolean {
  return assertion?.algs.some((accepted) => accepted === alg) ?? false
}

const secret = 'the signature, which nobody is told'
/** These are not broken by an assertion. */
const others = ['jwks_uri', 'scope', 'parameter', 'vtr', 'response_mode', 'prompt']

describe.each(all)('$title', (preset) => {
  let app: Emulated
  beforeAll(async () => {
    app = await startEmulated(preset)
  })
  afterAll(() => app.provider.close())

  test('accepts what its documents want, and at every endpoint', async () => {
    const { send, provider, lines } = app
    const token = await send('token')
    expect(await token.json()).toMatchObject({ error: 'invalid_grant' })
    expect((await send('introspection')).status).toBe(200)
    expect((await send('revocation')).status).toBe(200)
    const pushed = await send('pushed_authorization_request', {
      form: { response_type: 'code', scope: 'openid', code_challenge: 'x'.repeat(43) },
    })
    expect(await pushed.json()).not.toMatchObject({ error: 'invalid_client' })
    expect(provider.assertions).toHaveLength(4)
    expect(provider.refusals).toEqual([])
    expect(lines.filter((line) => line.includes('the rule'))).toEqual([])
  })

  const rules = findEmulatedRules(preset).filter((rule) => !others.includes(rule))
  test.each(rules)('refuses a request that breaks the rule "%s", and says so', async (rule) => {
    const { send, provider, lines } = app
    const fault = await faults[rule]?.(app)
    expect(fault, `nothing here breaks the rule "${rule}"`).toBeDefined()
    const before = provider.refusals.length
    const response = await send('token', fault)
    const error = rule === 'form' ? 'invalid_request' : 'invalid_client'
    expect(response.status).toBe(rule === 'form' ? 400 : 401)
    expect(response.headers.get('date')).not.toBeNull()
    const body = (await response.json()) as { error: string; error_description: string }
    expect(body.error).toBe(error)
    expect(body.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
    expect(provider.refusals.slice(before)).toEqual([
      expect.objectContaining({ endpoint: 'token', rule }),
    ])
    const { message = secret } = provider.refusals.at(-1) ?? {}
    const said = `${preset.title}: token: the rule "${rule}" is broken: ${message}`
    expect(lines.at(-1)).toBe(`${said} (${preset.sources[0]})`)
    expect(provider.tokenRequests.at(-1)).toMatchObject({
      error,
      refusal: body.error_description,
    })
    if (['form', 'client_auth', 'client_assertion'].includes(rule)) return
    expect(provider.assertions.at(-1)).toMatchObject({ rule, refusal: body.error_description })
  })
})
