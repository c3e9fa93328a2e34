/**
 * An app with two providers, `one` and `two`, both of which are doubles.
 *
 * @module
 */

import { createRelyingParty, type MultiProviderOptions, type OidcEvent } from '@countersign/core'
import { generateClientKey } from '@countersign/testing'
import { type App, type Framework, startApp } from './app.ts'
import { type Double, startDouble } from './provider-double.ts'
import { secret } from './setting.ts'
import { createUserAgent, type UserAgent } from './user-agent.ts'

/** Two providers, an app and what the app tells. */
export interface ProvidersSetting {
  readonly one: Double
  readonly two: Double
  readonly app: App
  readonly events: readonly OidcEvent[]
  /** A new browser, without cookies. */
  browser(): UserAgent
  /** A new browser, signed in at a provider. */
  signIn(provider: 'one' | 'two'): Promise<UserAgent>
  /** Makes the providers honest again, and forgets what was told. */
  reset(): void
  close(): Promise<void>
}

/** Two clients' registrations, each at a provider of its own. */
export interface TwoProviders {
  readonly one: Double
  readonly two: Double
  /** What the app says of each. */
  readonly options: {
    readonly one: { readonly issuer: string; readonly clientId: string; readonly clientKey: string }
    readonly two: { readonly issuer: string; readonly clientId: string; readonly clientKey: string }
  }
}

async function startClient(clientId: string) {
  const provider = await startDouble()
  const { privateKeyPem, jwks } = await generateClientKey('ES256')
  provider.registerClient({ clientId, jwks: { keys: [...jwks.keys] } })
  return { provider, options: { issuer: provider.issuer, clientId, clientKey: privateKeyPem } }
}

/** Starts two doubles that know this app. */
export async function startTwoDoubles(): Promise<TwoProviders> {
  const [one, two] = await Promise.all([startClient('app-at-one'), startClient('app-at-two')])
  return {
    one: one.provider,
    two: two.provider,
    options: { one: one.options, two: two.options },
  }
}

/** Starts two doubles and an app that is registered with both. */
export async function startProviders(
  framework: Framework,
  overrides: Partial<Omit<MultiProviderOptions, 'providers'>> & {
    readonly providers?: (two: TwoProviders['options']) => MultiProviderOptions['providers']
  } = {},
): Promise<ProvidersSetting> {
  const { one, two, options } = await startTwoDoubles()
  const events: OidcEvent[] = []
  const browsers: UserAgent[] = []
  const { providers, ...others } = overrides
  const app = await startApp(framework, {
    options: (baseUrl) =>
      createRelyingParty({
        providers: providers?.(options) ?? {
          one: { ...options.one, label: 'Number <One>' },
          two: options.two,
        },
        baseUrl,
        session: { secret },
        http: { timeout: 5 },
        onEvent: (event) => events.push(event),
        ...others,
      }),
  })
  function browser(): UserAgent {
    const created = createUserAgent()
    browsers.push(created)
    return created
  }
  return {
    one,
    two,
    app,
    events,
    browser,
    async signIn(provider) {
      const created = browser()
      const page = await created.navigate(`${app.url}/login/${provider}?returnTo=/which`)
      if (page.status !== 200) throw new Error(`the login ended with ${page.status}: ${page.text}`)
      return created
    },
    reset() {
      one.reset()
      two.reset()
      events.length = 0
    },
    async close() {
      for (const created of browsers) created.close()
      await app.close()
      await one.close()
      await two.close()
    },
  }
}
