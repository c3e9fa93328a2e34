import { randomBytes } from 'node:crypto'
import {
  type OidcEvent,
  type Options,
  optionsFromEnv,
  type PresetName,
  presets,
} from '@countersign/core'
import { awsKms } from '@countersign/kms/aws'
import { type Provider, type ProviderClient, startProvider } from '@countersign/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { chooseForm } from '../contract/preset.ts'
import { type Environment, runCommand } from '../e2e/support/doctor-run.ts'
import { type App, startApp } from '../support/app.ts'
import { express5App } from '../support/apps/express.ts'
import { createUserAgent, type Page } from '../support/user-agent.ts'
import type { KmsKey } from './support/aws/kms-keys.ts'
import type { KmsServer } from './support/aws/kms-server.ts'
import { startTestServer, stubCredentials, tester } from './support/aws/test-key-store.ts'

const uri = 'awskms:///alias/login'
const secret = randomBytes(32).toString('hex')

let kms: KmsServer
let rsa: KmsKey
const running: { close(): Promise<void> }[] = []
beforeAll(async () => {
  kms = await startTestServer()
  rsa = kms.keys.createKey('RSA_2048')
})
beforeEach(() => {
  stubCredentials(tester)
  vi.stubEnv('AWS_REGION', kms.region)
  vi.stubEnv('AWS_ENDPOINT_URL', kms.url)
  kms.keys.setAlias('alias/login', rsa)
})
afterEach(async () => {
  rsa.denied = []
  for (const part of running.splice(0).reverse()) await part.close()
  vi.unstubAllEnvs()
})
afterAll(() => kms.close())

/** An app at a provider's emulator. */
interface Setting {
  readonly provider: Provider
  readonly app: App
  readonly events: readonly OidcEvent[]
  /** The app's variables. */
  readonly env: Environment
}

/** The public key as it is registered: what the command prints for the app's variables. */
async function readPublic(env: Environment, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(['jwks', ...words], env)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

async function register(
  form: string,
  { env, app }: Pick<Setting, 'env' | 'app'>,
): Promise<Partial<ProviderClient>> {
  switch (form) {
    case 'pem':
      return { publicKey: await readPublic(env, '--pem') }
    case 'jwks':
      return { jwks: JSON.parse(await readPublic(env)) }
    case 'jwks_uri':
      return { jwksUri: `${app.url}/.well-known/jwks.json` }
    default:
      throw new TypeError(`no test registers a key as ${form}`)
  }
}

/** Starts a provider's emulator and an app with these variables, and registers what the page says. */
async function start(
  name: PresetName,
  { form = chooseForm(presets[name]), options = {} as Partial<Options> } = {},
): Promise<Setting> {
  const provider = await startProvider({ preset: name, interaction: 'auto', onLog: () => {} })
  running.push(provider)
  const events: OidcEvent[] = []
  let env: Environment = {}
  const app = await startApp(express5App, {
    options: (baseUrl) => {
      env = {
        OIDC_PROVIDER: name,
        OIDC_ISSUER: provider.issuer,
        OIDC_CLIENT_ID: 'app',
        OIDC_CLIENT_KEY: uri,
        OIDC_BASE_URL: baseUrl,
        OIDC_SESSION_SECRET: secret,
      }
      const onEvent = (event: OidcEvent) => void events.push(event)
      return { ...optionsFromEnv(env), onEvent, ...options }
    },
  })
  running.push(app)
  await provider.addClient({
    clientId: 'app',
    redirectUris: [`${app.url}/callback`],
    ...(await register(form, { env, app })),
  })
  return { provider, app, events, env }
}

async function signIn({ app }: Pick<Setting, 'app'>, path = '/profile'): Promise<Page> {
  const browser = createUserAgent()
  try {
    return await browser.navigate(`${app.url}${path}`)
  } finally {
    browser.close()
  }
}

/** What AWS KMS was asked to sign. */
const listSignatures = () =>
  kms.requests.filter(({ operation }) => operation === 'Sign').map(({ parameters }) => parameters)

const seeds = [
  { name: 'criipto', form: 'jwks', alg: 'RS256', kmsAlg: 'RSASSA_PKCS1_V1_5_SHA_256' },
  { name: 'criipto', form: 'jwks_uri', alg: 'RS256', kmsAlg: 'RSASSA_PKCS1_V1_5_SHA_256' },
  { name: 'signicat', form: 'jwks', alg: 'RS256', kmsAlg: 'RSASSA_PKCS1_V1_5_SHA_256' },
  { name: 'jiko', form: 'pem', alg: 'PS256', kmsAlg: 'RSASSA_PSS_SHA_256' },
  { name: 'auth0', form: 'pem', alg: 'RS256', kmsAlg: 'RSASSA_PKCS1_V1_5_SHA_256' },
] as const

describe.each(seeds)('one RSA key in AWS KMS, at $name as $form', ({ name, form, alg, kmsAlg }) => {
  test('signs in twice, with what the documents ask for and without "?alg="', async () => {
    const setting = await start(name, { form })
    const before = listSignatures().length
    for (const login of ['first', 'second']) {
      const { status, text } = await signIn(setting)
      expect({ login, status }, text).toEqual({ login, status: 200 })
      expect(JSON.parse(text)).toMatchObject({ sub: 'ada' })
    }
    const { assertions, refusals } = setting.provider
    expect(refusals).toEqual([])
    expect(assertions.map(({ header }) => header['alg'])).toEqual([alg, alg])
    const signatures = listSignatures().slice(before)
    expect(signatures.length).toBe(2)
    for (const { KeyId, SigningAlgorithm } of signatures) {
      expect({ KeyId, SigningAlgorithm }).toEqual({ KeyId: rsa.arn, SigningAlgorithm: kmsAlg })
    }
  })

  test('is found well by the doctor, as far as the provider', async () => {
    const { env, provider } = await start(name, { form })
    const { code, stdout, stderr } = await runCommand(['doctor', '--probe'], env)
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/✔ Registration/)
    expect(provider.refusals).toEqual([])
  })
})

test('one key signs in one app at two providers, at each with its algorithm', async () => {
  const mitid = await startProvider({ preset: 'criipto', interaction: 'auto', onLog: () => {} })
  const jiko = await startProvider({ preset: 'jiko', interaction: 'auto', onLog: () => {} })
  running.push(mitid, jiko)
  const app = await startApp(express5App, {
    options: (baseUrl) => ({
      clientKey: uri,
      baseUrl,
      session: { secret },
      providers: {
        mitid: { provider: 'criipto', issuer: mitid.issuer, clientId: 'urn:acme:app' },
        jiko: { provider: 'jiko', issuer: jiko.issuer, clientId: 'app' },
      },
    }),
  })
  running.push(app)
  const env = { OIDC_CLIENT_KEY: uri }
  await mitid.addClient({
    clientId: 'urn:acme:app',
    redirectUris: [`${app.url}/callback/mitid`],
    jwks: JSON.parse(await readPublic(env)),
  })
  await jiko.addClient({
    clientId: 'app',
    redirectUris: [`${app.url}/callback/jiko`],
    publicKey: await readPublic(env, '--pem'),
  })
  for (const id of ['mitid', 'jiko']) {
    const { status, text } = await signIn({ app }, `/login/${id}?returnTo=/which`)
    expect(status, text).toBe(200)
    expect(JSON.parse(text)).toEqual({ provider: id, sub: 'ada' })
  }
  const sent = [mitid, jiko].map(({ assertions }) => assertions.map(({ header }) => header['alg']))
  expect(sent).toEqual([['RS256'], ['PS256']])
})

describe('a source in code, at Jiko', () => {
  test('signs in with the algorithm that it is given', async () => {
    const clientKey = awsKms({ keyId: 'alias/login', alg: 'PS256' })
    const setting = await start('jiko', { options: { clientKey } })
    expect((await signIn(setting)).status).toBe(200)
  })

  test('without one signs as RS256, as everywhere, and is told so', async () => {
    const clientKey = awsKms({ keyId: 'alias/login' })
    const setting = await start('jiko', { options: { clientKey } })
    await expectMisfit(setting, 'RS256')
  })
})

test('an Ed25519 key in AWS KMS signs in at Jiko', async () => {
  kms.keys.setAlias('alias/login', kms.keys.createKey('ECC_NIST_EDWARDS25519'))
  const setting = await start('jiko')
  expect((await signIn(setting)).status).toBe(200)
  expect(setting.provider.assertions.map(({ header }) => header['alg'])).toEqual(['EdDSA'])
})

test('a key of another kind than Jiko accepts is told, and no assertion is sent', async () => {
  const setting = await start('jiko')
  kms.keys.setAlias('alias/login', kms.keys.createKey('ECC_NIST_P256'))
  await expectMisfit(setting, 'ES256')
})

/** Says that a login ends as one does whose key fails, and that no assertion has left. */
async function expectMisfit(setting: Setting, alg: string): Promise<void> {
  const { status, headers, text } = await signIn(setting)
  const { assertions, tokenRequests, refusals } = setting.provider
  expect({ assertions, tokenRequests, refusals }).toEqual({
    assertions: [],
    tokenRequests: [],
    refusals: [],
  })
  const [failure, ...others] = setting.events.filter(({ type }) => type === 'login.failed')
  expect(others).toEqual([])
  expect(failure).toMatchObject({
    error: {
      code: 'ERR_SIGN',
      reason: 'unsupported-algorithm',
      message: expect.stringMatching(
        new RegExp(`^the key "[\\w-]{43}" signs with ${alg}, and Jiko accepts PS256 or EdDSA`),
      ),
    },
  })
  expect({ status, headers }).toMatchObject({
    status: 503,
    headers: { 'content-type': 'text/html; charset=utf-8', 'retry-after': '10' },
  })
  expect(text).toContain('Sign-in is not possible right now. Please try again in a moment.')
}

const permission = 'allow this process kms:GetPublicKey and kms:Sign'

describe.each(seeds.filter(({ form }) => form !== 'jwks_uri'))('denied at $name', ({ name }) => {
  test('to sign, the key is told with the permission, and no assertion is sent', async () => {
    const setting = await start(name)
    rsa.denied = ['Sign']
    const { status, text } = await signIn(setting)
    expect(status).toBe(503)
    expect(text).not.toContain('kms:')
    expect(setting.provider.tokenRequests).toEqual([])
    const [failure] = setting.events.filter(({ type }) => type === 'login.failed')
    expect(failure).toMatchObject({
      error: {
        code: 'ERR_SIGN',
        reason: 'denied',
        message: expect.stringContaining(`${uri} may not be used: ${permission}`),
      },
    })
  })
})

describe('the command that prints the public half', () => {
  const fail = async (env: Environment = {}) => {
    const { code, stdout, stderr } = await runCommand(['jwks', '--pem'], {
      OIDC_CLIENT_KEY: uri,
      ...env,
    })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    return stderr
  }

  test('says what the policy lacks', async () => {
    rsa.denied = ['GetPublicKey']
    expect(await fail()).toContain(`${uri} may not be used: ${permission}`)
  })

  test('says how an alias is written, and that there is none of this name', async () => {
    const said = '"awskms:" is not followed by a key of AWS KMS: awskms:///alias/login'
    expect(await fail({ OIDC_CLIENT_KEY: 'awskms:///login' })).toContain(said)
    const misspelt = 'awskms:///alias/logim'
    expect(await fail({ OIDC_CLIENT_KEY: misspelt })).toContain(`${misspelt} does not exist`)
  })

  test('says that no region is configured', async () => {
    vi.stubEnv('AWS_REGION', undefined)
    expect(await fail()).toContain('no region is configured: set AWS_REGION')
  })
})

test('the next key is printed before its time, and signs when that has come', async () => {
  const next = kms.keys.createKey('RSA_2048')
  kms.keys.setAlias('alias/login-1', rsa)
  kms.keys.setAlias('alias/login-2', next)
  const now = await readPublic({}, uri, '--pem')
  const later = await readPublic({}, 'awskms:///alias/login-2', '--pem')
  expect(later).toMatch(/^-----BEGIN PUBLIC KEY-----\n/)
  expect(later).not.toBe(now)
  const day = 86_400
  for (const [wait, pem] of [
    [day, now],
    [-day, later],
  ] as const) {
    const nbf = Math.floor(Date.now() / 1000) + wait
    const clientKey = `awskms:///alias/login-1 awskms:///alias/login-2?nbf=${nbf}`
    const setting = await start('jiko', { options: { clientKey } })
    await setting.provider.addClient({
      clientId: 'app',
      redirectUris: [`${setting.app.url}/callback`],
      publicKey: pem,
    })
    expect((await signIn(setting)).status).toBe(200)
  }
})
