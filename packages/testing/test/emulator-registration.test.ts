import { createHmac, createPublicKey } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Preset, presets } from '@countersign/core'
import { afterEach, expect, test } from 'vitest'
import {
  generateClientKey,
  type ProviderClient,
  type ProviderOptions,
  startProvider,
} from '../src/index.ts'
import { redirectUri } from './app.ts'
import { certify } from './certify.ts'
import { type Emulated, startEmulated } from './emulated.ts'

const ownCertificate: Preset = {
  ...presets.jiko,
  name: 'own-certificate',
  registration: { forms: ['certificate'], where: 'a portal' },
}
const key = await generateClientKey('RS256')
const pem = { publicKey: key.publicJwk }
const secret = { clientSecret: 'a-secret-that-only-tests-know' }
const certificate = certify(key.privateKeyPem)

const closing: { close(): unknown }[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((each) => each.close()))
})

async function start(preset: Preset, client: Partial<ProviderClient>): Promise<Emulated> {
  const emulated = await startEmulated(preset, client)
  closing.push(emulated.provider)
  return emulated
}

const sources = (preset: Preset) => `(${preset.sources[0]})`
const { jiko, auth0, criipto, google, apple } = presets

test.each<[string, Preset, Partial<ProviderClient>, string]>([
  [
    'a JWK Set where PEM texts are taken',
    jiko,
    { jwks: key.jwks },
    `client "app": Jiko takes no "jwks"; give "publicKey" ${sources(jiko)}`,
  ],
  [
    'a URL where PEM texts are taken',
    jiko,
    { jwksUri: 'http://localhost:9/jwks' },
    `client "app": Jiko takes no "jwksUri"; give "publicKey" ${sources(jiko)}`,
  ],
  [
    'a PEM where JWK Sets are taken',
    criipto,
    { publicKey: 'PEM' },
    `client "app": Criipto Verify (Idura) takes no "publicKey"; give "jwks" or "jwksUri" ${sources(criipto)}`,
  ],
  [
    'a key where certificates are taken',
    ownCertificate,
    pem,
    `client "app": Jiko takes no "publicKey"; give "certificate" ${sources(jiko)}`,
  ],
  [
    'a secret where there are none',
    jiko,
    secret,
    `client "app": Jiko has no client_secret_basic; clients authenticate with private_key_jwt ${sources(jiko)}`,
  ],
  [
    'a key where there are only secrets',
    google,
    pem,
    'client "app": Google has no private_key_jwt; clients authenticate with client_secret_post or ' +
      `client_secret_basic ${sources(google)}`,
  ],
  [
    'more keys than are kept',
    auth0,
    { publicKey: [key.publicJwk, key.publicJwk, key.publicJwk] },
    'Auth0 keeps 2 keys of a client at once, and there are 3',
  ],
  [
    'a client without its Team ID',
    apple,
    pem,
    'client "app": "teamId" is required: the Team ID at Sign in with Apple',
  ],
])('%s is a TypeError', async (_name, preset, client, message) => {
  const options = { preset, clients: [{ clientId: 'app', redirectUris: [redirectUri], ...client }] }
  await expect(startProvider(options)).rejects.toThrow(new TypeError(message))
})

test.each([
  ['jicko', '"preset" "jicko" is not the name of a provider: did you mean "jiko"?'],
  ['auth-0', '"preset" "auth-0" is not the name of a provider: did you mean "auth0"?'],
])('the preset "%s" is a TypeError, with what was meant', async (preset, message) => {
  await expect(startProvider({ preset })).rejects.toThrow(new TypeError(message))
})

test('a preset that is nothing like a name lists the names', async () => {
  await expect(startProvider({ preset: 'acme-login' })).rejects.toThrow(/there are .*auth0, .*jiko/)
})

test.each<[ProviderOptions['preset'], RegExp]>([
  ['jiko', /^http:\/\/127\.0\.0\.1:\d+$/],
  ['idura', /^http:\/\/127\.0\.0\.1:\d+$/],
  ['auth0', /^http:\/\/127\.0\.0\.1:\d+\/$/],
  ['signicat', /^http:\/\/127\.0\.0\.1:\d+\/auth\/open$/],
  [
    { ...jiko, issuer: { example: 'https://{host}/realms/{realm}' } },
    /^http:\/\/127\.0\.0\.1:\d+\/realms\/realm$/,
  ],
])(
  'an issuer has the form that the provider has, and its metadata say so',
  async (preset, form) => {
    const provider = await startProvider({ ...(preset && { preset }), onLog: () => {} })
    closing.push(provider)
    expect(provider.issuer).toMatch(form)
    const base = provider.issuer.replace(/\/$/, '')
    const metadata = await (await fetch(`${base}/.well-known/openid-configuration`)).json()
    expect(metadata).toMatchObject({ issuer: provider.issuer, token_endpoint: `${base}/token` })
  },
)

test('the metadata list what the provider accepts, and no more', async () => {
  const provider = await startProvider({ preset: 'jiko', onLog: () => {} })
  closing.push(provider)
  const url = `${provider.issuer}/.well-known/openid-configuration`
  expect(await (await fetch(url)).json()).toMatchObject({
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['PS256', 'EdDSA'],
  })
})

test('keys without names: each that is registered will do, and no other', async () => {
  const [old, next] = [await generateClientKey('PS256'), await generateClientKey('EdDSA')]
  const publicKey = [old, next].map(({ publicJwk: { kid, alg, ...bare } }) => bare)
  const { send } = await start(jiko, { publicKey })
  for (const signer of [old, next]) {
    expect(await (await send('token', { signer })).json()).toMatchObject({ error: 'invalid_grant' })
  }
  const stranger = await send('token', { signer: await generateClientKey('PS256') })
  expect(await stranger.json()).toMatchObject({
    error_description:
      'the signature does not verify with any of the 2 registered keys: register the public key ' +
      'that signs now',
  })
})

test('a signature that anybody can make is no signature', async () => {
  const { send, sign, provider } = await start(jiko, { publicKey: pemOf(key) })
  const [, claims = ''] = (await sign('token')).split('.')
  const encode = (header: object) => Buffer.from(JSON.stringify(header)).toString('base64url')
  const unsigned = `${encode({ alg: 'none', typ: 'JWT' })}.${claims}.`
  expect((await send('token', { jws: unsigned })).status).toBe(401)
  expect(provider.refusals.map(({ rule }) => rule)).toEqual(['alg'])
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${claims}`
  const mac = createHmac('sha256', pemOf(key)).update(signed).digest('base64url')
  expect((await send('token', { jws: `${signed}.${mac}` })).status).toBe(401)
  expect(provider.refusals.at(-1)).toMatchObject({
    rule: 'client_auth',
    message: 'client_secret_jwt is not accepted: it must be private_key_jwt',
  })
})

test('what an emulator says holds neither the signature nor a secret', async () => {
  const { send, sign, lines } = await start(jiko, { publicKey: pemOf(key) })
  const jws = await sign('token')
  await send('token', { jws })
  await send('token', { form: { client_assertion: undefined, client_secret: 'hush-hush' } })
  expect(lines).toHaveLength(2)
  expect(lines.join()).not.toContain(jws.split('.')[2])
  expect(lines.join()).not.toContain('hush-hush')
})

test('a key is for the algorithm that it was registered with', async () => {
  const { send, key: own } = await start(jiko, { assertionAlg: 'EdDSA', publicKey: key.publicJwk })
  const response = await send('token', { signer: own })
  expect(await response.json()).toMatchObject({
    error_description: `'alg' must be 'EdDSA', which is registered, and is 'PS256'`,
  })
})

test('a "kid" that Auth0 did not give is refused, and none is fine', async () => {
  const { send, key: own, provider } = await start(auth0, { publicKey: pemOf(key) })
  const named = await send('token', { header: { kid: own.kid }, signer: key })
  expect(named.status).toBe(401)
  expect(provider.refusals.at(-1)).toMatchObject({ rule: 'kid' })
  const nameless = await send('token', { signer: key })
  expect(await nameless.json()).toMatchObject({ error: 'invalid_grant' })
})

test('a "kid" is passed over where a key without a name is registered', async () => {
  const { send } = await start(presets['govuk-one-login'], { publicKey: pemOf(key) })
  const response = await send('token', { header: { kid: 'any' }, signer: key })
  expect(await response.json()).toMatchObject({ error: 'invalid_grant' })
})

test('a key that is for encryption signs nothing', async () => {
  const { publicJwk, ...other } = await generateClientKey('RS256')
  const keys = [key.publicJwk, { ...publicJwk, use: 'enc' }]
  const { send, provider } = await start(criipto, { jwks: { keys } })
  const signer = { ...other, publicJwk }
  expect((await send('token', { signer, header: { kid: other.kid } })).status).toBe(401)
  expect((await send('token', { signer, header: { kid: undefined } })).status).toBe(401)
  expect(provider.refusals.map(({ rule }) => rule)).toEqual(['kid', 'key'])
})

test('a published JWK Set is read again for a new "kid", and its absence is named', async () => {
  let keys = [key.publicJwk]
  const server = createServer((_req, res) => res.end(JSON.stringify({ keys })))
  const jwksUri = await listen(server)
  const { send, provider } = await start(criipto, { jwksUri })
  const first = await send('token', { signer: key, header: { kid: key.kid } })
  expect(await first.json()).toMatchObject({ error: 'invalid_grant' })
  const next = await generateClientKey('RS256')
  keys = [key.publicJwk, next.publicJwk]
  const second = await send('token', { signer: next, header: { kid: next.kid } })
  expect(await second.json()).toMatchObject({ error: 'invalid_grant' })
  server.close()
  server.closeAllConnections()
  const third = await send('token', { signer: next, header: { kid: 'newest' } })
  expect(third.status).toBe(401)
  expect(provider.refusals.at(-1)).toMatchObject({ rule: 'jwks_uri' })
})

test('a secret is sent where secrets are taken, in either way, and a wrong one is refused', async () => {
  const provider = await startProvider({
    preset: 'google',
    clients: [{ clientId: 'app', redirectUris: [redirectUri], ...secret }],
    onLog: () => {},
  })
  closing.push(provider)
  const send = (form: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(`${provider.issuer}/introspect`, {
      method: 'POST',
      headers,
      body: new URLSearchParams({ token: 'x', ...form }),
    })
  const post = await send({ client_id: 'app', client_secret: secret.clientSecret })
  expect(post.status).toBe(200)
  const authorization = `Basic ${btoa(`app:${secret.clientSecret}`)}`
  expect((await send({}, { authorization })).status).toBe(200)
  expect((await send({ client_id: 'app', client_secret: 'wrong' })).status).toBe(401)
  expect(provider.refusals).toEqual([])
  expect((await send({ client_id: 'app' })).status).toBe(401)
  expect(provider.refusals.at(-1)).toMatchObject({
    rule: 'client_auth',
    message:
      'the client does not authenticate: it must be client_secret_post or client_secret_basic',
  })
  const twice = { client_id: 'app', client_secret: secret.clientSecret }
  expect((await send(twice, { authorization })).status).toBe(401)
  expect(provider.refusals.at(-1)).toMatchObject({ rule: 'client_auth' })
})

test('a certificate that is no certificate is a TypeError', async () => {
  const broken = { certificate: 'nonsense' }
  await expect(startEmulated(ownCertificate, broken)).rejects.toThrow(
    new TypeError('"certificate" is not an X.509 certificate as PEM'),
  )
  const emulated = await start(ownCertificate, { certificate: [certificate, certificate] })
  expect(emulated.provider.issuer).toMatch(/^http/)
})

function pemOf({ publicJwk }: typeof key): string {
  return createPublicKey({ key: { ...publicJwk }, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString()
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
}
