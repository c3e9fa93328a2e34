/**
 * Whether the provider answers, and is exactly the issuer that is configured.
 *
 * @see OpenID Connect Discovery 1.0, 4.3
 *
 * @module
 */

import { ProviderError } from '@countersign/core'
import type { Examination, MetadataAnswer } from './examination.ts'
import { fault, type Result } from './finding.ts'
import { describeNetworkFailure, readCode } from './network-failure.ts'
import { drawDifference, isObject, longestShown, parseJson, shorten } from './untrusted.ts'
import { visit } from './visit.ts'

/** Looks at the provider's metadata. */
export async function examineDiscovery(examination: Examination): Promise<Result> {
  const { inspection, metadataAnswer } = examination
  const [answer, metadata] = await Promise.allSettled([metadataAnswer(), inspection.metadata()])
  if (metadata.status === 'fulfilled') {
    const { issuer, token_endpoint, jwks_uri } = metadata.value
    const seen = `${issuer} answers, and is exactly this issuer`
    return { seen, facts: { issuer, token_endpoint, jwks_uri } }
  }
  if (answer.status === 'rejected') return await describeFailure(examination, answer.reason)
  return describeAnswer(examination, answer.value, metadata.reason)
}

async function describeFailure(examination: Examination, error: unknown): Promise<Result> {
  const { metadataUrl, inspection } = examination
  const code = error instanceof ProviderError ? error.code : undefined
  if (code === 'ERR_PROVIDER_RESPONSE') {
    const target = await readRedirect(examination)
    if (target !== undefined) return describeRedirect(examination, target)
  }
  if (code === 'ERR_PROVIDER_TIMEOUT') {
    const { seen, means, fix } = describeNetworkFailure({ code: 'ETIMEDOUT' })
    return fault('broken', `${metadataUrl}: ${seen}`, { means, fix })
  }
  if (error instanceof ProviderError && readCode(error) === undefined) {
    return fault('broken', shorten(error.message), {
      means: 'Logins fail with 503 for as long as this lasts; who is signed in stays so.',
      fix: `Look at the status page of the provider, and open ${metadataUrl} in a browser.`,
    })
  }
  const { seen, means, fix } = describeNetworkFailure(
    error instanceof ProviderError ? error.cause : error,
  )
  return fault('broken', `${inspection.issuer} cannot be reached: ${seen}`, { means, fix })
}

/** Where a redirect leads, which the app itself would never follow. */
async function readRedirect({
  metadataUrl,
  milliseconds,
}: Examination): Promise<string | undefined> {
  try {
    const { status, headers } = await visit(metadataUrl, { milliseconds })
    return status >= 300 && status < 400 ? headers.location : undefined
  } catch {
    return undefined
  }
}

function describeRedirect({ metadataUrl, inspection }: Examination, target: string): Result {
  const url = URL.canParse(target, metadataUrl) ? new URL(target, metadataUrl).href : target
  if (url === metadataUrl) {
    return fault('broken', `${metadataUrl} answers with a redirect to itself`, {
      means: 'What stands before the provider wants something that only browsers send: cookies.',
      fix: 'Have it let /.well-known/ and the endpoints through; "curl -i" shows what it says.',
    })
  }
  const end = '/.well-known/openid-configuration'
  const guess = url.endsWith(end) ? url.slice(0, -end.length) : undefined
  return fault('broken', `${metadataUrl} answers with a redirect to ${shorten(url)}`, {
    means: 'Redirects are not followed: they could lead anywhere. The issuer is another URL.',
    fix:
      guess === undefined
        ? describeIssuer(inspection)
        : `If that is the provider, set OIDC_ISSUER to the "issuer" in its metadata: probably "${guess}".`,
  })
}

const closed = {
  seen: ': it is not for everybody',
  means:
    'Metadata is public: something before the provider wants a login, or knows other networks.',
  fix: 'Have the network or the proxy let this machine through, as it must let the app.',
}

/** Answers that say nothing of the issuer. */
const refusals: Readonly<
  Record<number, { readonly seen: string; readonly means: string; readonly fix: string }>
> = {
  401: closed,
  403: closed,
  407: closed,
  429: {
    seen: ': it was asked too often',
    means:
      'The provider, or what stands before it, limits requests: of this app, or of this network.',
    fix: 'Ask again later; if it goes on, look for who asks that often, or have the limit raised.',
  },
}

function describeAnswer(
  { metadataUrl, inspection }: Examination,
  { status, headers, text }: MetadataAnswer,
  error: unknown,
): Result {
  const { issuer } = inspection
  const kept = refusals[status]
  if (kept) return fault('broken', `${metadataUrl} answers ${status}${kept.seen}`, kept)
  if (status !== 200) {
    return fault('broken', `${metadataUrl} answers ${status}`, {
      means:
        'There is no metadata there: the issuer is another URL, or a part of its path is missing.',
      fix: describeIssuer(inspection),
    })
  }
  const metadata = parseJson(text)
  if (!isObject(metadata)) {
    const type = headers.get('content-type')?.split(';', 1)[0]
    const isPage = type === 'text/html' || /^\s*</.test(text)
    const what = isPage ? 'a web page (HTML)' : `${type ?? 'something'} that is no JSON`
    return fault('broken', `${metadataUrl} answers with ${what}, not with metadata`, {
      means: isPage
        ? 'A web server answers everything there: the app itself, a login page, or a proxy.'
        : 'What answers there is no OpenID Provider.',
      fix: describeIssuer(inspection),
    })
  }
  const { issuer: found } = metadata
  if (typeof found === 'string' && found !== issuer) {
    return fault('broken', 'the provider says that it is another issuer', {
      picture: drawDifference(['configured', issuer], ['provider', found]),
      means: 'The two must be identical, character by character: no ID Token would be accepted.',
      fix: `If this is the right provider, set OIDC_ISSUER to ${describeFound(found)}.`,
      source: 'https://openid.net/specs/openid-connect-discovery-1_0.html',
    })
  }
  return fault('broken', shorten(error instanceof Error ? error.message : String(error)), {
    means: 'The metadata lacks what a login needs.',
    fix: 'Tell those who run the provider, or look for another issuer of it.',
  })
}

function describeFound(issuer: string): string {
  if (issuer.length <= longestShown) return `exactly "${issuer}"`
  return `the "issuer" of its metadata, which is long and begins with "${shorten(issuer, 40)}"`
}

function describeIssuer({ preset, issuer }: Examination['inspection']): string {
  if (!preset) return `Compare "${issuer}" with the provider's documents, its path included.`
  return `Compare it with ${preset.title}'s: it looks like "${preset.issuer.example}".`
}
