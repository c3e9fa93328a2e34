import { describe, expect, test } from 'vitest'
import { readSecrets, removeFrom } from '../../src/provider/sent-secrets.ts'

const form = new URLSearchParams({ code: 'SHORT-1 23', client_id: 'app', state: 'abc' })
const secrets = readSecrets(form, {})

describe('what a request carried', () => {
  test('is the code as it is and as it is written in a URL, and nothing of three letters', () => {
    expect(secrets).toEqual(['SHORT-1 23', 'SHORT-1%2023'])
  })

  test('is the secret of an Authorization header in all its forms', () => {
    const pair = 'app:se%2Fcret'
    const basic = Buffer.from(pair).toString('base64')
    const found = readSecrets(new URLSearchParams(), { authorization: `Basic ${basic}` })
    expect(found).toEqual(expect.arrayContaining([basic, pair, 'se%2Fcret', 'se/cret']))
  })
})

describe('a response that is no refusal of the client', () => {
  const send = (description: string, headers: Record<string, string> = {}) =>
    new Response(JSON.stringify({ error: 'access_denied', error_description: description }), {
      status: 400,
      headers: { 'content-type': 'application/json', ...headers },
    })

  test('is handed on as it came, where it repeats nothing', async () => {
    const response = send('no')
    expect(await removeFrom(response, secrets)).toBe(response)
  })

  test('is handed on without what it repeats', async () => {
    const response = send('the code SHORT-1 23 is used', {
      'content-length': '99',
      'www-authenticate': 'Bearer error_description="SHORT-1 23"',
    })
    const removed = await removeFrom(response, secrets)
    expect(removed.status).toBe(400)
    expect(await removed.json()).toEqual({
      error: 'access_denied',
      error_description: 'the code [removed] is used',
    })
    expect(Object.fromEntries(removed.headers)).toEqual({
      'content-type': 'application/json',
      'www-authenticate': 'Bearer error_description="[removed]"',
    })
  })
})
