import { createRelyingParty, type OidcResponse } from '@countersign/core'
import { generateClientKey } from '@countersign/testing'
import { describe, expect, test } from 'vitest'
import { examineCookies } from '../src/doctor/cookies.ts'
import type { Examination } from '../src/doctor/examination.ts'
import { buildFinding } from '../src/doctor/finding.ts'
import { examineRedirectUri } from '../src/doctor/redirect-uri.ts'
import { serve, takeApart, type Variables, working } from './support/doctor.ts'

const { privateKeyPem } = await generateClientKey('EdDSA')

/** Takes an app apart whose provider does not answer, and is not asked again and again. */
function takeApartAlone(changes: Variables): Examination {
  const examination = takeApart({ OIDC_CLIENT_KEY: privateKeyPem, ...changes })
  const metadata = () => Promise.reject(new Error('the provider does not answer'))
  return { ...examination, inspection: { ...examination.inspection, metadata } }
}

/** What the login route of an app answers that has providers of these names. */
async function readChoice(baseUrl: string, names: readonly string[]): Promise<string> {
  const rp = createRelyingParty({
    baseUrl,
    session: { secret: String(working['OIDC_SESSION_SECRET']) },
    providers: Object.fromEntries(
      names.map((name) => [
        name,
        { issuer: `https://${name}.example`, clientId: 'app', clientKey: privateKeyPem },
      ]),
    ),
  })
  const { pathname } = new URL(`${baseUrl}/login`)
  const received = await rp.receive({
    method: 'GET',
    target: `${pathname}?returnTo=/here`,
    header: (name) => (name === 'accept' ? 'text/html' : undefined),
    form: () => Promise.resolve(new URLSearchParams()),
    isStarted: () => false,
    setCookie: () => {},
    send: (_response: OidcResponse) => {},
  })
  return received.response?.body ?? ''
}

describe.each(['', '/shop'])('an app with several providers, at "%s"', (path) => {
  test('is told as what it is', async () => {
    let body = ''
    await using server = await serve((_request, response) => response.end(body))
    const baseUrl = server.url + path
    body = await readChoice(baseUrl, ['acme', 'umbrella_2'])
    const examination = takeApartAlone({ OIDC_BASE_URL: baseUrl })
    const result = await examineRedirectUri(examination)
    expect(buildFinding('redirect-uri', result)).toEqual({
      id: 'redirect-uri',
      title: 'Redirect URI',
      outcome: 'warning',
      seen: `${baseUrl}/login is a page to choose from 2 providers: acme, umbrella_2`,
      problems: [
        {
          severity: 'warning',
          means:
            'The doctor examines apps with one provider: where each of these leads, as which client and with which redirect URI, was not looked at. The other checks are of the one in OIDC_*.',
          fix: 'Sign in once at each of them, and look at the events of the app.',
        },
      ],
      facts: { providers: ['acme', 'umbrella_2'] },
    })
    // Nor is it said that a login sets no cookie: none has begun
    const { seen } = await examineCookies(examination)
    expect(seen).toBe('8 kB of cookies get through')
  })
})

test.each([
  ['has no links', '<h1>Welcome</h1>'],
  ['leads elsewhere', '<a href="/login">in</a><a href="/loginx/a">a</a><a href="http://[">b</a>'],
  ['leads to another host', '<a href="https://app.example/login/acme">Acme</a>'],
])('a page that %s is not of the app', async (_, body) => {
  await using server = await serve((_request, response) => response.end(body))
  const { outcome, seen } = buildFinding(
    'redirect-uri',
    await examineRedirectUri(takeApartAlone({ OIDC_BASE_URL: server.url })),
  )
  expect(outcome).toBe('broken')
  expect(seen).toBe(`${server.url}/login answers 200, and not with a redirect to the provider`)
})

test('a login that is answered with a form needs https', async () => {
  await using server = await serve((request, response) => {
    const query = new URLSearchParams({
      client_id: 'app',
      redirect_uri: `http://${request.headers.host}/callback`,
      response_mode: 'form_post',
    })
    response.writeHead(303, { location: `http://127.0.0.1:9/authorize?${query}` }).end()
  })
  const { outcome, problems } = buildFinding(
    'redirect-uri',
    await examineRedirectUri(takeApartAlone({ OIDC_BASE_URL: server.url })),
  )
  expect(outcome).toBe('warning')
  expect(problems[0]?.means).toContain('SameSite=None; Secure')
})
