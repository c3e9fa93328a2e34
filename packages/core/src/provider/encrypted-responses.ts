/**
 * ID Tokens and UserInfo that the provider encrypts for us, decrypted before openid-client reads the
 * response: it gets the signed token that was inside, and checks it as any other.
 *
 * @see OpenID Connect Core 1.0, 10.2 and 16.14 (signed, then encrypted)
 *
 * @module
 */

import { decodeJwt } from 'jose'
import { TokenValidationError } from '../errors.ts'
import type { Fetch } from '../http/fetch.ts'
import { decryptJwe, isCompactJwe } from '../jose/decrypt.ts'
import type { DecryptionRing } from '../keys/decryption-ring.ts'

/** Where encrypted tokens come from. */
export interface TokenEndpoints {
  readonly token_endpoint: string
  readonly userinfo_endpoint?: string | undefined
}

/** Creates a `fetch` whose responses hold no encrypted tokens. */
export function createDecryptingFetch(
  fetch: Fetch,
  { token_endpoint, userinfo_endpoint }: TokenEndpoints,
  keys: Pick<DecryptionRing, 'usable'>,
): Fetch {
  const tokenUrl = readHref(token_endpoint)
  const userInfoUrl = readHref(userinfo_endpoint)
  return async (url, init) => {
    const response = await fetch(url, init)
    if (response.status !== 200) return response
    const href = readHref(url)
    if (href === tokenUrl) return await decryptTokens(response, keys)
    if (href === userInfoUrl) return await decryptUserInfo(response, keys)
    return response
  }
}

/** As openid-client writes a URL, whatever the metadata has: a port that is the default, capitals. */
function readHref(url: string | undefined): string | undefined {
  return url !== undefined && URL.canParse(url) ? new URL(url).href : undefined
}

async function decryptTokens(
  response: Response,
  keys: Pick<DecryptionRing, 'usable'>,
): Promise<Response> {
  const body = await response.text()
  const tokens = parse(body)
  const idToken = tokens?.['id_token']
  // What is no token response is openid-client's to refuse
  if (typeof idToken !== 'string') return replaceBody(response, body)
  // OIDC Core, 3.1.3.7 (1): with encryption negotiated, a token that is not encrypted is rejected
  if (!isCompactJwe(idToken)) {
    throw refuse(
      'id_token',
      'the ID Token is not encrypted, and "idToken.decryptionKey" is set: ' +
        'have the provider encrypt ID Tokens for this client, or remove the option',
    )
  }
  const id_token = await decryptJwe(idToken, keys, 'id_token')
  if (!isCompactJws(id_token))
    throw refuse('id_token', 'the encrypted ID Token holds no signed one')
  return replaceBody(response, JSON.stringify({ ...tokens, id_token }))
}

async function decryptUserInfo(
  response: Response,
  keys: Pick<DecryptionRing, 'usable'>,
): Promise<Response> {
  if (!isJwt(response)) return response
  const body = (await response.text()).trim()
  const content = isCompactJwe(body) ? await decryptJwe(body, keys, 'userinfo') : body
  if (isCompactJws(content)) {
    checkOrigin(content)
    return replaceBody(response, content)
  }
  // OIDC Core, 5.3.2: it may be encrypted alone, and then holds what plain UserInfo would
  if (content !== body && parse(content)) return replaceBody(response, content, 'application/json')
  throw refuse('userinfo', 'UserInfo of the type "application/jwt" holds neither a JWT nor claims')
}

/** OIDC Core, 5.3.2: signed UserInfo MUST have both; openid-client compares them where they are. */
function checkOrigin(jwt: string): void {
  const claims = readClaims(jwt)
  const missing = ['iss', 'aud'].find((claim) => claims?.[claim] === undefined)
  if (missing === undefined) return
  throw new TokenValidationError(
    'ERR_ID_TOKEN_CLAIM',
    `"${missing}" of signed UserInfo is missing`,
    {
      tokenKind: 'userinfo',
      claim: missing,
      reason: 'missing',
    },
  )
}

function readClaims(jwt: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return decodeJwt(jwt)
  } catch {
    return undefined
  }
}

function isJwt(response: Response): boolean {
  return response.headers.get('content-type')?.split(';')[0]?.trim() === 'application/jwt'
}

function isCompactJws(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** The same response with another body. */
function replaceBody({ status, headers }: Response, body: string, contentType?: string): Response {
  const others = new Headers(headers)
  others.delete('content-length')
  if (contentType !== undefined) others.set('content-type', contentType)
  return new Response(body, { status, headers: others })
}

function refuse(
  tokenKind: TokenValidationError['tokenKind'],
  message: string,
): TokenValidationError {
  return new TokenValidationError('ERR_ID_TOKEN', message, { tokenKind, reason: 'invalid' })
}
