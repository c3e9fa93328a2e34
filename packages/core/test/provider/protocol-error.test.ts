import * as client from 'openid-client'
import { describe, expect, test } from 'vitest'
import { ProviderError } from '../../src/errors.ts'
import {
  buildAuthenticationResponseError,
  readProtocolError,
} from '../../src/provider/protocol-error.ts'

const endpoint = 'https://op.example/token'
const assertion =
  'eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.eyJpc3MiOiJhcHAiLCJqdGkiOiIxIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ'
const refreshToken = 'Zk3v9Qw-1n8Xb7Lr2Ty6Up4Hs5Jd0Gf_aC'

function answer(error_description: string) {
  const cause = { error: 'invalid_grant', error_description }
  const response = new Response(JSON.stringify(cause), { status: 400 })
  const error = new client.ResponseBodyError('unexpected', { cause, response })
  return readProtocolError(error, { code: 'ERR_TOKEN_RESPONSE', endpoint })
}

describe('what a provider says of an error', () => {
  test('does not repeat a token, a code or an assertion that it was sent', () => {
    const failure = answer(`refresh token ${refreshToken} unknown; assertion ${assertion} is fine`)
    expect(failure).toBeInstanceOf(ProviderError)
    const { message, error_description } = failure as ProviderError
    for (const text of [message, error_description]) {
      expect(text).toContain('refresh token [removed] unknown; assertion [removed] is fine')
    }
  })

  test('is left as it is where it is words, addresses and names', () => {
    const words =
      'The redirect_uri http://localhost:3000/callback is not registered for urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    expect((answer(words) as ProviderError).error_description).toBe(words)
  })

  test('is taken out of an Authentication Response as well', () => {
    const parameters = new URLSearchParams({
      error: 'server_error',
      error_description: `code ${refreshToken}`,
    })
    const { message } = buildAuthenticationResponseError(parameters)
    expect(message).toBe('the provider answered "server_error": code [removed]')
  })
})
