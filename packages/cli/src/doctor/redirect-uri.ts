/**
 * Whether the app, as a browser meets it, sends End-Users to the provider with the right redirect URI.
 *
 * @see RFC 9700, 4.1.3
 *
 * @module
 */

import type { Inspection } from '@countersign/core/inspection'
import type { Examination } from './examination.ts'
import { fault, type Result, skip } from './finding.ts'
import { isFormPosted, unkeepable } from './form-post.ts'
import { describeNetworkFailure, readCode } from './network-failure.ts'
import { drawDifference, shorten } from './untrusted.ts'
import { type Answer, isTlsSpoken } from './visit.ts'

/** Opens the login route. */
export async function examineRedirectUri(examination: Examination): Promise<Result> {
  const { inspection, loginAnswer } = examination
  const { loginUrl } = inspection
  if (loginUrl === undefined) return skip('the app has no login route')
  const [answer, metadata] = await Promise.allSettled([loginAnswer(), inspection.metadata()])
  if (answer.status === 'rejected') {
    return await describeFailure(examination, loginUrl, answer.reason)
  }
  // That there is none is told by the check of the provider
  const endpoint =
    metadata.status === 'fulfilled' ? metadata.value.authorization_endpoint : undefined
  return describeAnswer(examination, { loginUrl, endpoint }, answer.value)
}

async function describeFailure(
  { inspection, milliseconds }: Examination,
  loginUrl: string,
  error: unknown,
): Promise<Result> {
  const { baseUrl } = inspection
  const url = new URL(loginUrl)
  const code = readCode(error)
  if (code === 'ECONNREFUSED') {
    return fault('warning', `nobody answers at ${baseUrl}: the app does not run`, {
      means: 'Whether End-Users get to the provider and back could not be looked at.',
      fix: 'Start the app, and run the doctor again.',
    })
  }
  if (url.protocol === 'https:' && (code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER')) {
    return fault('broken', `OIDC_BASE_URL is ${baseUrl}, and plain http is spoken there`, {
      means: 'Browsers come back from the provider to a page that cannot be opened.',
      fix: 'Let TLS end there, at a proxy or the app; or on this machine set OIDC_BASE_URL to http.',
    })
  }
  if (url.protocol === 'http:' && (await isTlsSpoken(url, milliseconds))) {
    return fault('broken', `OIDC_BASE_URL is ${baseUrl}, and https is spoken there`, {
      means: 'Browsers come back from the provider to a page that cannot be opened.',
      fix: `Set OIDC_BASE_URL to ${baseUrl.replace('http:', 'https:')}, and register that redirect URI.`,
    })
  }
  const { seen, means, fix } = describeNetworkFailure(error)
  return fault('broken', `${loginUrl} cannot be opened: ${seen}`, { means, fix })
}

function describeAnswer(
  { inspection }: Examination,
  { loginUrl, endpoint }: { readonly loginUrl: string; readonly endpoint: string | undefined },
  { status, headers, body }: Answer,
): Result {
  const { baseUrl } = inspection
  const location = headers.location
  if (status === 503 || status === 502) {
    return fault('warning', `${loginUrl} answers ${status}`, {
      means:
        'The app runs, and cannot start a login now: it does not reach the provider, or what stands before it does not reach the app.',
      fix: 'Look at the events of the app (login.failed) and at the checks above.',
    })
  }
  const choices = status === 200 ? findChoices(loginUrl, body) : []
  if (choices.length > 0) return describeChoice(loginUrl, choices)
  if (
    status < 300 ||
    status >= 400 ||
    location === undefined ||
    !URL.canParse(location, loginUrl)
  ) {
    return fault(
      'broken',
      `${loginUrl} answers ${status}, and not with a redirect to the provider`,
      {
        means:
          'What answers there is not the app, or it has its login route elsewhere: the callback may be missing as well.',
        fix: 'Look at what listens on that host and port, and compare OIDC_BASE_URL, its path included.',
      },
    )
  }
  const target = new URL(location, loginUrl)
  if (
    target.origin === new URL(loginUrl).origin.replace('http:', 'https:') &&
    loginUrl.startsWith('http:')
  ) {
    return fault(
      'broken',
      `OIDC_BASE_URL is ${baseUrl}, and everything there is sent on to https`,
      {
        means:
          'The redirect URI of a login is one that the app is not at, with cookies that are not secure.',
        fix: `Set OIDC_BASE_URL to ${baseUrl.replace('http:', 'https:')}, and register that redirect URI.`,
      },
    )
  }
  return describeRequest(inspection, { loginUrl, endpoint }, target)
}

/** The providers of the page that End-Users choose theirs on, by the names that they have in its links. */
function findChoices(loginUrl: string, body: string): readonly string[] {
  const links = [...body.matchAll(/<a href="([^"?]+)/g)].map(([, href = '']) => href)
  return links.flatMap((href) => {
    if (!URL.canParse(href, loginUrl)) return []
    const url = new URL(href, loginUrl).href
    const name = url.startsWith(`${loginUrl}/`) ? url.slice(loginUrl.length + 1) : ''
    return /^[\w-]+$/.test(name) ? [name] : []
  })
}

function describeChoice(loginUrl: string, choices: readonly string[]): Result {
  const count = choices.length === 1 ? 'one provider' : `${choices.length} providers`
  return fault(
    'warning',
    `${loginUrl} is a page to choose from ${count}: ${shorten(choices.join(', '))}`,
    {
      means:
        'The doctor examines apps with one provider: where each of these leads, as which client and with which redirect URI, was not looked at. The other checks are of the one in OIDC_*.',
      fix: 'Sign in once at each of them, and look at the events of the app.',
    },
    { providers: choices },
  )
}

/** What a login sends to the provider. */
function describeRequest(
  { redirectUri, clientId, preset }: Inspection,
  { loginUrl, endpoint }: { readonly loginUrl: string; readonly endpoint: string | undefined },
  { origin, pathname, searchParams }: URL,
): Result {
  const place = shorten(origin + pathname)
  const other = searchParams.get('client_id')
  // Every Authentication Request has one, a pushed one as well (RFC 9126, 4)
  if (other === null) {
    return fault('broken', `${loginUrl} leads to ${place}, which is no login`, {
      means: 'Something else answers there: a proxy with a login of its own, or another app.',
      fix: 'Look at what stands before the app, and let its routes through.',
    })
  }
  const expected = endpoint && readPlace(endpoint)
  if (expected !== undefined && expected !== origin + pathname) {
    return fault('broken', 'the app that runs there sends people to another provider', {
      picture: drawDifference(['provider', expected], ['app', origin + pathname]),
      means: 'People sign in somewhere else than at the provider that the doctor looks at.',
      fix: 'Give the app the OIDC_ISSUER that is used here, and restart it; if it has it, look at what stands before the app.',
    })
  }
  if (other !== clientId) {
    return fault(
      'broken',
      `the app that runs there is client "${shorten(other)}", and not "${clientId}"`,
      {
        means: 'The doctor looks at another client than the one that people sign in with.',
        fix: 'Run the doctor with the environment of the app.',
      },
    )
  }
  const goal = expected === undefined ? place : 'the provider'
  const facts = { redirectUri, authorizationEndpoint: place }
  if (searchParams.has('request_uri')) {
    return { seen: `a login leads to ${goal}, by a pushed request`, facts }
  }
  const sent = searchParams.get('redirect_uri')
  if (sent !== redirectUri) {
    return fault('broken', 'the app that runs there has another redirect URI', {
      picture: drawDifference(['configured', redirectUri], ['app', sent ?? 'none']),
      means: 'The provider takes only the registered one, or browsers come back to another place.',
      fix: 'Give the app the OIDC_BASE_URL that is used here, and restart it.',
    })
  }
  const seen = `a login leads to ${goal}, and back to ${redirectUri}`
  const isPosted = searchParams.get('response_mode') === 'form_post'
  if (isPosted && redirectUri.startsWith('http:') && !isFormPosted(preset)) {
    const means = `The answer comes in a form (form_post). ${unkeepable.means}`
    return fault('warning', seen, { ...unkeepable, means }, facts)
  }
  return { seen, facts }
}

/** A URL without its query: a login adds to that of the endpoint. */
function readPlace(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}
