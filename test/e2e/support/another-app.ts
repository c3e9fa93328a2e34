/**
 * One more app of the client of a setting, as after a restart: it knows nothing of what the first one
 * learned, and is much cheaper than one more setting, whose provider has keys to generate.
 *
 * @module
 */

import type { OidcEvent, Options } from '@countersign/core'
import { type Framework, startApp } from '../../support/app.ts'
import { type Setting, secret } from '../../support/setting.ts'
import { createUserAgent, type UserAgent } from '../../support/user-agent.ts'

/** Starts it. What comes back shares the provider with the setting, and leaves it running. */
export async function startAnotherApp(
  framework: Framework,
  { provider, privateKeyPem }: Setting,
  overrides: Partial<Options> = {},
): Promise<Setting> {
  const events: OidcEvent[] = []
  const browsers: UserAgent[] = []
  const app = await startApp(framework, {
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
    privateKeyPem,
    app,
    events,
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
