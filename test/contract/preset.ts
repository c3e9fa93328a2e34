/**
 * What every preset has to show: logins at the emulator of its own provider, in all frameworks, with
 * every algorithm and every form of key that the provider's documents have.
 *
 * @module
 */

import { createPrivateKey, createPublicKey, randomUUID } from 'node:crypto'
import type {
  ClientKey,
  JwsAlgorithm,
  KeyForm,
  OidcEvent,
  Options,
  Preset,
} from '@countersign/core'
import {
  type GeneratedClientKey,
  generateClientKey,
  type Provider,
  type ProviderClient,
  startProvider,
} from '@countersign/testing'
import { generateCertificate } from 'countersign'
import type { JWK } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type App, type Framework, startApp } from '../support/app.ts'
import { generateEncryptionKey } from '../support/encryption-keys.ts'
import { secret } from '../support/setting.ts'
import { createUserAgent } from '../support/user-agent.ts'

/** A provider's emulator, and apps that are registered there. */
export interface PresetSetting {
  readonly provider: Provider
  /** Starts an app that is registered as the provider's documents have it. */
  start(framework: Framework, registration: Registration): Promise<RunningApp>
  close(): Promise<void>
}

/** One app's keys, and what is to be said beyond them. */
export interface Registration {
  readonly keys: readonly GeneratedClientKey[]
  readonly form: KeyForm | 'secret'
  readonly clientKey?: ClientKey
  /** Where the keys are published, if that is not at the app. */
  readonly jwksUri?: string
  readonly options?: Partial<Options>
}

/** An app, and what it tells. */
export interface RunningApp {
  readonly app: App
  readonly clientId: string
  readonly events: readonly OidcEvent[]
  /** Signs in with a new browser, and returns the page that it ends at. */
  signIn(): Promise<{ readonly status: number; readonly text: string }>
}

const generated = new Map<string, Promise<GeneratedClientKey>>()

/** A key for an algorithm, made once: RSA keys take their time. */
export function keyFor(alg: JwsAlgorithm, which = 'first'): Promise<GeneratedClientKey> {
  const name = `${alg} ${which}`
  const key = generated.get(name) ?? generateClientKey(alg)
  generated.set(name, key)
  return key
}

const certificates = new Map<string, string>()

function generate(privateKeyPem: string): string {
  const privateKey = createPrivateKey(privateKeyPem)
  return generateCertificate({ privateKey, name: 'app', days: 30, now: Date.now() / 1000 }).pem
}

/** The certificate of a key, made once. */
export function certify({ kid, privateKeyPem }: GeneratedClientKey): string {
  const certificate = certificates.get(kid) ?? generate(privateKeyPem)
  certificates.set(kid, certificate)
  return certificate
}

const encryptionKey = generateEncryptionKey('RSA')
const encryptionPublicJwk = {
  ...createPublicKey(encryptionKey.privateKey).export({ format: 'jwk' }),
  use: 'enc',
}

/** The algorithms to show a preset with. */
export function readAlgorithms({ assertion }: Preset): readonly JwsAlgorithm[] {
  return assertion?.recommendedAlgs ?? assertion?.algs ?? []
}

/** The form in which a key is registered where it does not matter which. */
export function chooseForm({ registration: { forms } }: Preset): KeyForm | 'secret' {
  return forms.find((form) => form !== 'jwks_uri' && form !== 'made_there') ?? forms[0] ?? 'secret'
}

/** What only an app knows, as each provider's documents demand it. */
const ofApps: Readonly<Record<string, Partial<Options>>> = {
  'login-gov': { authorization: { acr_values: 'urn:acr.login.gov:auth-only' } },
  'id-porten': { authorization: { acr_values: 'idporten-loa-substantial' } },
  'govuk-one-login': { authorization: { acr_values: 'Cl.Cm' } },
  // UserInfo is a JWT at these three
  itsme: { authorization: { scope: 'openid service:TEST_LOGIN' }, userInfo: true },
  'france-connect': { userInfo: true },
  'france-connect-plus': { authorization: { acr_values: 'eidas2' }, userInfo: true },
}

/** Starts the emulator of a preset. */
export async function startPreset(preset: Preset): Promise<PresetSetting> {
  const provider = await startProvider({ preset, interaction: 'auto', onLog: () => {} })
  const running: { close(): unknown }[] = [provider]
  return {
    provider,
    async start(framework, { keys, form, clientKey, jwksUri, options = {} }) {
      const clientId = `client-${randomUUID()}`
      const teamId = preset.assertion?.issuer && 'ABCDE12345'
      const events: OidcEvent[] = []
      const certificate = form === 'certificate' ? keys.map(certify) : undefined
      const app = await startApp(framework, {
        options: (baseUrl) => ({
          provider: preset,
          issuer: provider.issuer,
          clientId,
          ...(form !== 'secret' &&
            !options.clientAuth && { clientKey: clientKey ?? keys[0]?.privateKeyPem ?? '' }),
          baseUrl,
          session: { secret },
          onEvent: (event) => events.push(event),
          ...ofApps[preset.name],
          ...(preset.isIdTokenEncrypted && {
            idToken: { decryptionKey: encryptionKey.pem },
          }),
          ...options,
          assertion: {
            ...(teamId && { issuer: teamId }),
            ...(certificate && { certificate }),
            ...options.assertion,
          },
        }),
      })
      running.push(app)
      await provider.addClient({
        clientId,
        redirectUris: [`${app.url}/callback`],
        ...(teamId && { teamId }),
        ...register(form, {
          keys,
          certificate,
          jwksUri: jwksUri ?? `${app.url}/.well-known/jwks.json`,
          preset,
        }),
      })
      return { app, clientId, events, signIn: () => signIn(app) }
    },
    async close() {
      for (const part of running.reverse()) await part.close()
    },
  }
}

async function signIn(app: App): Promise<{ readonly status: number; readonly text: string }> {
  const browser = createUserAgent()
  try {
    return await browser.navigate(`${app.url}/profile`)
  } finally {
    browser.close()
  }
}

interface Registered {
  readonly keys: readonly GeneratedClientKey[]
  readonly certificate: readonly string[] | undefined
  readonly jwksUri: string
  readonly preset: Preset
}

function register(
  form: KeyForm | 'secret',
  { keys, certificate, jwksUri, preset }: Registered,
): Partial<ProviderClient> {
  switch (form) {
    case 'secret':
      return { clientSecret: 'a secret for tests alone' }
    case 'jwks_uri':
      return { jwksUri }
    case 'certificate':
      return { certificate: certificate ?? [] }
    case 'pem':
      return { publicKey: keys.map(({ publicJwk }) => toPem(publicJwk)) }
    default:
      return { jwks: { keys: listPublicKeys(keys, preset) } }
  }
}

/** The public keys of an app, as it publishes them. */
export function listPublicKeys(
  keys: readonly GeneratedClientKey[],
  { isIdTokenEncrypted }: Preset,
): readonly JWK[] {
  const own = keys.map(({ publicJwk }) => publicJwk)
  return isIdTokenEncrypted ? [...own, encryptionPublicJwk] : own
}

/** Says that a preset signs in at its provider's emulator. */
export function describePreset(preset: Preset, frameworks: readonly Framework[]): void {
  describe(preset.title, () => {
    let setting: PresetSetting
    beforeAll(async () => {
      setting = await startPreset(preset)
    })
    afterAll(() => setting.close())

    async function expectTwoLogins(framework: Framework, registration: Registration) {
      const { signIn, events } = await setting.start(framework, registration)
      for (const login of ['first', 'second']) {
        const { status, text } = await signIn()
        const errors = events.flatMap((event) => ('error' in event ? [event.error] : []))
        expect({ login, status, errors }, text).toEqual({ login, status: 200, errors: [] })
        expect(JSON.parse(text)).toMatchObject({ sub: 'ada' })
      }
      expect(setting.provider.refusals).toEqual([])
    }

    describe.each(frameworks)('on $name', (framework) => {
      if (readAlgorithms(preset).length === 0) {
        test('signs in twice with a client secret', async () => {
          const { clientAuth } = preset
          const method = clientAuth.find((each) => each.startsWith('client_secret_'))
          await expectTwoLogins(framework, {
            keys: [],
            form: 'secret',
            options: {
              clientAuth: {
                method: method === 'client_secret_post' ? method : 'client_secret_basic',
                secret: 'a secret for tests alone',
              },
            },
          })
        })
      }

      describe.each(readAlgorithms(preset))('with %s', (alg) => {
        const name = preset.assertion?.kidRule === 'required' && preset.assertion.kid === 'explicit'

        test('signs in twice with a PEM', async () => {
          const key = await keyFor(alg)
          const clientKey = [
            { key: key.privateKeyPem, alg, ...(name && { kid: key.kid }) },
          ] satisfies ClientKey
          await expectTwoLogins(framework, { keys: [key], form: chooseForm(preset), clientKey })
        })

        test('signs in twice with a JWK Set of two keys, one of which comes later', async () => {
          const [now, next] = await Promise.all([keyFor(alg), keyFor(alg, 'next')])
          const nbf = Math.floor(Date.now() / 1000) + 86_400
          const named = preset.assertion?.kid !== 'explicit' || name
          const clientKey = {
            keys: [now.privateJwk, { ...next.privateJwk, nbf }].map(({ kid, ...jwk }) =>
              named ? { ...jwk, kid } : jwk,
            ),
          } as ClientKey
          await expectTwoLogins(framework, {
            keys: [now, next],
            form: chooseForm(preset),
            clientKey,
          })
        })

        if (!preset.registration.forms.includes('jwks_uri')) return
        test('signs in twice with a key that the provider reads from our JWKS URL', async () => {
          const key = await keyFor(alg)
          const clientKey = [{ key: key.privateKeyPem, alg }]
          await expectTwoLogins(framework, { keys: [key], form: 'jwks_uri', clientKey })
        })
      })
    })
  })
}

function toPem(publicJwk: GeneratedClientKey['publicJwk']): string {
  const key = createPublicKey({ key: { ...publicJwk }, format: 'jwk' })
  return key.export({ type: 'spki', format: 'pem' }).toString()
}
