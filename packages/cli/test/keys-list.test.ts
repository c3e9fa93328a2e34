import { writeFileSync } from 'node:fs'
import { generateClientKey } from '@countersign/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { createPlace, noon, type Place } from './support/run.ts'

const hour = 3600
const day = 24 * hour

let jwk: Record<string, unknown>
beforeAll(async () => {
  jwk = { ...(await generateClientKey()).privateJwk }
})

/** Keys of these names and times. One key will do for all: what is listed is their times. */
function writeSet({ path }: Place, keys: readonly Record<string, unknown>[]): void {
  const list = keys.map((key) => ({ ...jwk, ...key }))
  writeFileSync(path('keys.json'), JSON.stringify({ keys: list }), { mode: 0o600 })
}

const rotation = [
  { kid: 'first', exp: noon - 60 * day },
  { kid: 'second', nbf: noon - 90 * day, exp: noon + 25 * hour },
  { kid: 'third', nbf: noon + day },
]

describe('countersign keys list', () => {
  test('draws the keys over time, and says what will happen', async () => {
    const place = createPlace()
    writeSet(place, rotation)
    expect(await place.run('keys list keys.json')).toEqual({
      exitCode: 0,
      stdout: `keys.json  2026-06-01 12:00:00 UTC

  first   ES256  retired    ████████░░░░░░░░        │
  second  ES256  signs now          ████████████████│████████░░░░░░░░
  third   ES256  next                               │░░░░░░░░████████████████
                                    -90d    -60d    now      +24h    +25h

  2026-06-02 12:00:00 UTC  in 24 h: third begins to sign
  2026-06-02 13:00:00 UTC  in 25 h: second is published no more
`,
      stderr: '',
    })
  })

  test('draws in ASCII where the terminal knows nothing else', async () => {
    const place = createPlace()
    writeSet(place, rotation)
    const { stdout } = await place.run('keys list keys.json', { env: { LANG: 'C' } })
    expect(stdout).toMatch(/^[\n -~]*$/)
    expect(stdout).toContain(
      '  second  ES256  signs now          ################|########--------\n',
    )
  })

  test.each([40, 60, 72, 80, 120, 200])('keeps to %i columns', async (columns) => {
    const place = createPlace()
    writeSet(place, rotation)
    const { stdout } = await place.run('keys list keys.json', { columns })
    const picture = stdout.split('\n\n')[1] ?? ''
    const widths = picture.split('\n').map((line) => [...line].length)
    expect(Math.max(...widths)).toBeLessThanOrEqual(columns)
    expect(picture.includes('█')).toBe(columns >= 60)
    expect(picture).toContain('third   ES256  next')
    expect(picture.includes('\n  (too narrow for the times)')).toBe(columns < 60)
  })

  test('colours what signs, waits and is over in terminals', async () => {
    const place = createPlace()
    writeSet(place, rotation)
    const { stdout } = await place.run('keys list keys.json', { isTerminal: true })
    expect(stdout).toContain('\u001b[32m  second  ES256  signs now\u001b[39m')
    expect(stdout).toContain('\u001b[36m  third   ES256  next     \u001b[39m')
    expect(stdout).toContain('\u001b[2m  first   ES256  retired  \u001b[22m')
  })

  test('is JSON for programs', async () => {
    const place = createPlace()
    writeSet(place, rotation)
    const { stdout } = await place.run('keys list keys.json --json')
    expect(JSON.parse(stdout)).toEqual({
      now: noon,
      keys: [
        { kid: 'first', alg: 'ES256', state: 'retired', exp: noon - 60 * day },
        {
          kid: 'second',
          alg: 'ES256',
          state: 'signs',
          nbf: noon - 90 * day,
          exp: noon + 25 * hour,
        },
        { kid: 'third', alg: 'ES256', state: 'next', nbf: noon + day },
      ],
      events: [
        { moment: noon + day, kid: 'third', type: 'switch' },
        { moment: noon + 25 * hour, kid: 'second', type: 'retire' },
      ],
    })
  })

  test('takes a file: URI, and the key of the app where nothing is named', async () => {
    const place = createPlace()
    writeSet(place, [{ kid: 'only' }])
    const outputs = await Promise.all([
      place.run('keys list file:./keys.json --json'),
      place.run(`keys list file://${place.path('keys.json')} --json`),
      place.run('keys list --json', { env: { OIDC_CLIENT_KEY: 'file:keys.json' } }),
    ])
    for (const { stdout } of outputs) {
      expect(JSON.parse(stdout).keys).toEqual([{ kid: 'only', alg: 'ES256', state: 'signs' }])
    }
  })

  test('says from when on no key signs', async () => {
    const place = createPlace()
    writeSet(place, [{ kid: 'only', exp: noon + day }])
    expect((await place.run('keys list keys.json')).stdout).toContain(
      'From 2026-06-02 12:00:00 UTC on no key signs: "countersign keys rotate" adds the next one.\n',
    )
    writeSet(place, [{ kid: 'only', exp: noon }])
    expect((await place.run('keys list keys.json')).stdout).toContain(
      'No key signs now: logins end with ERR_NO_KEY.\n',
    )
  })

  test('lists keys that decrypt, which have no part in the rotation', async () => {
    const place = createPlace()
    writeSet(place, [
      { kid: 'signing' },
      { kid: 'opening', use: 'enc', alg: 'ECDH-ES+A256KW', exp: noon + 1 },
    ])
    const { stdout } = await place.run('keys list keys.json')
    expect(stdout).toMatch(/ {2}opening {2}ECDH-ES\+A256KW {2}decrypts +│\n/)
    expect(stdout).not.toContain('in 1 s')
  })

  test('shows names that would move the cursor as text', async () => {
    const place = createPlace()
    writeSet(place, [{ kid: '\u001b[2J\u202e' }])
    const { stdout } = await place.run('keys list keys.json')
    expect(stdout).not.toContain('\u001b')
    expect(stdout).not.toContain('\u202e')
  })

  test('says when everybody may read the keys', async () => {
    const place = createPlace()
    writeSet(place, [{}])
    const { chmodSync } = await import('node:fs')
    chmodSync(place.path('keys.json'), 0o644)
    expect((await place.run('keys list keys.json')).stderr).toBe(
      `warning: everybody on this machine may read ${place.path('keys.json')} (mode 0644)\n`,
    )
  })
})

describe('what is no private JWK Set', () => {
  const secret = 'c2VjcmV0c2VjcmV0c2VjcmV0'
  test.each([
    ['', 'keys.json is not JSON, and so no JWK Set'],
    [`{"keys": [{"d": "${secret}"`, 'keys.json is not JSON, and so no JWK Set'],
    ['[]', 'keys.json is not JSON, and so no JWK Set'],
    [
      `{"keys": "${secret}"}`,
      'keys.json is JSON, but no JWK Set: its "keys" is not a list of keys',
    ],
    ['{"keys": []}', 'keys.json: is a JWK Set without a key for signing'],
    [
      `{"keys": [{"kty": "oct", "k": "${secret}"}]}`,
      'keys.json: key 1 of the JWK Set is a symmetric JWK ("kty": "oct"), and a private key is needed',
    ],
    [
      `{"keys": [{"kty": "EC", "crv": "P-256", "x": "${secret}", "y": "${secret}", "d": "${secret}"}]}`,
      'keys.json: key 1 of the JWK Set is a damaged JWK: its members are not those of a private key of type "EC"',
    ],
    [
      `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`,
      'keys.json is a PEM, which has no place for times, and a private JWK Set is needed: "countersign keygen --set keys.json" makes one',
    ],
  ])('is refused, and nothing of it is repeated: %j', async (text, message) => {
    const { run, path } = createPlace()
    writeFileSync(path('keys.json'), text)
    for (const line of ['keys list keys.json', 'keys rotate keys.json --verbose']) {
      const { exitCode, stdout, stderr } = await run(line)
      expect({ exitCode, stdout, first: stderr.split('\n')[0] }).toEqual({
        exitCode: 2,
        stdout: '',
        first: `countersign: ${message}`,
      })
      expect(stderr).not.toContain(secret)
    }
  })

  test.each([
    ['keys list', {}, 'name a private JWK Set, such as keys.json, or set OIDC_CLIENT_KEY'],
    [
      'keys list',
      { OIDC_CLIENT_KEY: `{"kty":"oct","k":"${secret}"}` },
      'OIDC_CLIENT_KEY names no single file: name the private JWK Set',
    ],
    ['keys list .', {}, '<folder> is not a file'],
    ['keys list file:./a%', {}, '"file:" takes a path as in a URL, where "%" is written "%25"'],
  ])('%s is refused with %j', async (line, env, message) => {
    const { run, cwd } = createPlace()
    const { exitCode, stderr } = await run(line, { env })
    expect({ exitCode, stderr: stderr.replace(cwd, '<folder>') }).toEqual({
      exitCode: 2,
      stderr: `countersign: ${message}\n`,
    })
  })

  test('is refused when it has more than 1 MB', async () => {
    const { run, path } = createPlace()
    writeFileSync(path('keys.json'), ' '.repeat(1_000_001))
    expect((await run('keys list keys.json')).stderr).toBe(
      `countersign: ${path('keys.json')} is not a file of keys: it has more than 1 MB\n`,
    )
  })
})
