/**
 * What most end-to-end tests begin with: a provider double, an app that signs in there, and a browser.
 *
 * @module
 */

import type { OidcEvent, Options } from '@countersign/core'
import { generateClientKey } from '@countersign/testing'
import { type App, type AppSettings, type Framework, startApp } from './app.ts'
import { type Double, startDouble } from './provider-double.ts'
import { createUserAgent, type UserAgent } from './user-agent.ts'

/** A new browser, signed in. */
export async function signIn(setting: Setting): Promise<UserAgent> {
  const browser = setting.browser()
  const { status, text } = await browser.navigate(`${setting.app.url}/profile`)
  if (status !== 200) throw new Error(`the login ended with ${status}: ${text}`)
  return browser
}

/** A secret that is long enough. */
export const secret = 'a session secret for tests, and for nothing but tests'

/** A provider, an app and what the app tells. */
export interface Setting {
  readonly provider: Double
  readonly app: App
  readonly events: readonly OidcEvent[]
  /** The client's private key, which the provider knows the public half of. */
  readonly privateKeyPem: string
  /** A new browser, without cookies. */
  browser(): UserAgent
  /** Forgets what was told and makes the provider honest again. */
  reset(): void
  /** The events of one type. */
  told<Type extends OidcEvent['type']>(type: Type): Extract<OidcEvent, { type: Type }>[]
  close(): Promise<void>
}

/** Starts a provider double and an app that is registered with it by an ES256 key. */
export async function startSetting(
  framework: Framework,
  overrides: Partial<Options> = {},
  settings: Omit<AppSettings, 'options'> = {},
): Promise<Setting> {
  const provider = await startDouble()
  const { privateKeyPem, jwks } = await generateClientKey('ES256')
  provider.registerClient({ clientId: 'app', jwks: { keys: [...jwks.keys] } })
  const client = { provider, privateKeyPem }
  const setting = await startAnotherApp(framework, client, overrides, settings)
  return {
    ...setting,
    async close() {
      await setting.close()
      await provider.close()
    },
  }
}

/**
 * Starts one more app of the client of a setting, as after a restart: it knows nothing of what the first
 * one learned, and is much cheaper than one more setting, whose provider has keys to generate. It shares
 * the provider with the setting, and leaves it running.
 */
export async function startAnotherApp(
  framework: Framework,
  { provider, privateKeyPem }: Pick<Setting, 'provider' | 'privateKeyPem'>,
  overrides: Partial<Options> = {},
  settings: Omit<AppSettings, 'options'> = {},
): Promise<Setting> {
  const events: OidcEvent[] = []
  const browsers: UserAgent[] = []
  const app = await startApp(framework, {
    ...settings,
    options: (baseUrl) => ({
      issuer: provider.issuer,
      clientId: 'app',
      clientKey: privateKeyPem,
      baseUrl,
      session: { secret },
      http: { timeout: 2 },
      onEvent: (event) => events.push(event),
      ...overrides,
    }),
  })
  return {
    provider,
    app,
    events,
    privateKeyPem,
    browser() {
      const browser = createUserAgent()
      browsers.push(browser)
      return browser
    },
    reset() {
      provider.reset()
      events.length = 0
    },
    told: (type) => events.filter((event) => event.type === type) as never,
    async close() {
      for (const browser of browsers) browser.close()
      await app.close()
    },
  }
}
