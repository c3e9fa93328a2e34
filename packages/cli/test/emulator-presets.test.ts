import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type JwsAlgorithm, type Preset, presets } from '@countersign/core'
import { startProvider } from '@countersign/testing'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { findPort, listenOnOurs } from '../../../test/house/ports.ts'
import { generateCertificate } from '../src/certificate.ts'
import { type GeneratedKey, generateKey } from '../src/generated-key.ts'
import { buildJson } from '../src/key-report.ts'
import { chooseAlgorithmFor } from '../src/provider.ts'
import { isCertificateNeeded } from '../src/registration.ts'
import { createPlace, type Outcome, type Place } from './support/run.ts'

// As it is, and seen: what a client is registered with is told nowhere
vi.mock('@countersign/testing', async (importOriginal) => {
  const testing = await importOriginal<typeof import('@countersign/testing')>()
  return { ...testing, startProvider: vi.fn(testing.startProvider) }
})

type Variables = Readonly<Record<string, string>>

const made = new Map<string, Promise<GeneratedKey>>()

/** Keys take their time: one of each kind will do for all. */
function makeKey(alg: JwsAlgorithm, purpose = 'sig'): Promise<GeneratedKey> {
  const name = `${alg} ${purpose}`
  const key = made.get(name) ?? generateKey(alg, 2048)
  made.set(name, key)
  return key
}

/** What is demanded besides what keygen prints, by the documents of each. */
const others: Readonly<Record<string, Variables>> = {
  'login-gov': { OIDC_ACR_VALUES: 'urn:acr.login.gov:auth-only' },
  'france-connect-plus': { OIDC_ACR_VALUES: 'eidas2' },
  itsme: { OIDC_SCOPE: 'openid service:TEST' },
  apple: { OIDC_ASSERTION_ISSUER: 'ABCDE12345' },
}

/** The variables that keygen prints, with the files that they name. */
async function readPrinted(place: Place, preset: Preset): Promise<Variables> {
  const key = await makeKey(chooseAlgorithmFor(preset))
  writeFileSync(place.path('client-key.pem'), key.privatePem, { mode: 0o600 })
  const { privateKey } = key
  const now = Date.now() / 1000
  const certificate = isCertificateNeeded(preset)
    ? {
        ...(await generateCertificate({ privateKey, name: 'app', days: 1, now })),
        path: place.path('client-key.crt'),
      }
    : undefined
  if (certificate) writeFileSync(certificate.path, certificate.pem)
  const path = place.path('client-key.pem')
  const report = { key, preset, environment: {}, path, isSet: false, certificate }
  return JSON.parse(buildJson({ ...report, state: 'signs' })).environment
}

/** The environment of an app whose JWK Set can be read at its URL. */
async function createApp(place: Place, preset: Preset): Promise<Variables> {
  const { pathname } = new URL(preset.issuer.example.replaceAll(/[{}]/g, ''))
  const path = preset.issuer.example.endsWith('/') || pathname !== '/' ? pathname : ''
  const app = createServer(async (_req, res) => {
    const env = { ...variables }
    res.setHeader('content-type', 'application/json')
    res.end((await place.run('jwks', { env })).stdout)
  })
  const port = await listenOnOurs(app)
  onTestFinished(() => void app.close())
  const printed = await readPrinted(place, preset)
  const variables: Variables = {
    OIDC_ISSUER: `http://127.0.0.1:${await findPort()}${path}`,
    OIDC_CLIENT_ID: 'app',
    OIDC_BASE_URL: `http://127.0.0.1:${port}`,
    OIDC_SESSION_SECRET: '7ebf29bd1d5f3e1c0a9b8c7d6e5f4031',
    ...printed,
    ...others[preset.name],
    // Apple has made the key, and its name
    ...(preset.name === 'apple' && { OIDC_CLIENT_KEY: `${printed['OIDC_CLIENT_KEY']}?kid=AB1C` }),
    ...(preset.isIdTokenEncrypted && {
      OIDC_CLIENT_ENCRYPTION_KEY: (await makeKey('RS256', 'enc')).privatePem,
    }),
  }
  return variables
}

/** Asks the emulator with an assertion of the app's and a code that does not exist. */
async function ask(place: Place, env: Variables): Promise<string> {
  const assertion = await place.run('assertion --json', { env: { ...env } })
  const { endpoint, form } = JSON.parse(assertion.stdout)
  const headers = { 'user-agent': 'a test' }
  const body = new URLSearchParams(form)
  const response = await fetch(endpoint, { method: 'POST', headers, body })
  return ((await response.json()) as { error: string }).error
}

async function runEmulator(
  place: Place,
  env: Variables,
): Promise<Outcome & { readonly answer: string }> {
  let answer = ''
  const waitForEnd = async () => {
    answer = await ask(place, env)
  }
  return { ...(await place.run('emulator', { env: { ...env }, waitForEnd })), answer }
}

const forms: Readonly<Record<string, string>> = {
  apple: 'its public key (PEM)',
  auth0: 'its public key (PEM)',
  entra: 'its certificate',
  'france-connect': 'its JWKS URL',
  'france-connect-plus': 'its JWKS URL',
  'govuk-one-login': 'its public key (PEM)',
  itsme: 'its JWKS URL',
  jiko: 'its public key (PEM)',
  'login-gov': 'its certificate',
}

const withKeys = Object.values(presets).filter(({ registration }) => registration.forms.length > 0)

describe('with the variables that keygen prints, and those that its documents demand', () => {
  test.each(withKeys)('the emulator is $name, and knows the key', async (preset) => {
    const place = createPlace()
    const env = await createApp(place, preset)
    const { exitCode, stdout, stderr, answer } = await runEmulator(place, env)
    expect({ exitCode, stderr, answer }).toEqual({
      exitCode: 0,
      stderr: '',
      answer: 'invalid_grant',
    })
    expect(stdout).toContain(`app, by ${forms[preset.name] ?? 'its JWK Set (1)'}`)
    const isRead = forms[preset.name] === 'its JWKS URL'
    const note = `Its keys    are read at ${env['OIDC_BASE_URL']}/.well-known/jwks.json: the app has to run`
    expect(stdout.includes(note)).toBe(isRead)
    const [client] = vi.mocked(startProvider).mock.lastCall?.[0]?.clients ?? []
    const hears = (kind: 'back-channel' | 'front-channel') => preset.logout?.includes(kind) ?? false
    expect(client?.clientId).toBe('app')
    expect('backchannelLogoutUri' in (client ?? {})).toBe(hears('back-channel'))
    expect('frontchannelLogoutUri' in (client ?? {})).toBe(hears('front-channel'))
  })
})

test('without its certificate a key is not known where it is uploaded as one, and it is said', async () => {
  const place = createPlace()
  const { OIDC_CLIENT_CERT: _, ...env } = await createApp(place, presets['login-gov'])
  expect(await place.run('emulator', { env: { ...env } })).toEqual({
    exitCode: 2,
    stdout: '',
    stderr:
      'countersign: Login.gov knows keys by their certificates: set OIDC_CLIENT_CERT to that of the ' +
      'key, which "countersign keygen --certificate" makes along with one\n',
  })
})
