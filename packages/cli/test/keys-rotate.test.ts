import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { readPublished, readSigner } from './support/app.ts'
import { createPlace, makeStable, noon, type Place } from './support/run.ts'

const hour = 3600
const day = 24 * hour

afterEach(() => {
  vi.useRealTimers()
})

interface Jwk {
  readonly kid: string
  readonly alg: string
  readonly nbf?: number
  readonly exp?: number
}

const readKeys = ({ path }: Place): readonly Jwk[] =>
  JSON.parse(readFileSync(path('keys.json'), 'utf8')).keys

const readTimes = (place: Place) => readKeys(place).map(({ nbf, exp }) => ({ nbf, exp }))

const failed = (message: string) => ({
  exitCode: 2,
  stdout: '',
  stderr: `countersign: ${message}\n`,
})

async function createSet(options = ''): Promise<Place> {
  const place = createPlace()
  const { exitCode } = await place.run(`keygen --set keys.json ${options}`)
  expect(exitCode).toBe(0)
  return place
}

describe('countersign keys rotate', () => {
  test('adds the next key, retires the one that signs, and says what to do until then', async () => {
    const place = await createSet()
    const { exitCode, stdout, stderr } = await place.run('keys rotate keys.json --in 24h')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(readTimes(place)).toEqual([{ exp: noon + 25 * hour }, { nbf: noon + day }])
    const [old, next] = readKeys(place).map(({ kid }) => kid.slice(0, 8))
    expect(makeStable(stdout, place)).toBe(`keys.json  2026-06-01 12:00:00 UTC

  ${old}  ES256  signs now  ████████████│████████████░░░░░░░░░░░░
  ${next}  ES256  next                   │░░░░░░░░░░░░████████████████████████
                                          now          +24h        +25h

  2026-06-02 12:00:00 UTC  in 24 h: ${next} begins to sign
  2026-06-02 13:00:00 UTC  in 25 h: ${old} is published no more

Where the provider reads the JWK Set of the app (<OIDC_BASE_URL>/.well-known/jwks.json)
Nothing is left to do: it is read again without a restart, and the new key is published now.

Before 2026-06-02 12:00:00 UTC, where keys are registered by hand
Register the new key beside the old one:
Paste its JWK Set, or its public key.

<PEM>
<JWK Set: ES256 alg crv kid kty use x y>

After 2026-06-02 13:00:00 UTC
Remove the old key there.
`)
  })

  test('leaves nothing to do where the provider reads the JWK Set', async () => {
    const place = await createSet('--provider criipto')
    const env = { OIDC_PROVIDER: 'criipto', OIDC_BASE_URL: 'https://app.example' }
    const { stdout } = await place.run('keys rotate keys.json', { env })
    expect(stdout.split('\n\n').slice(3).join('\n\n')).toBe(
      'Where the provider reads the JWK Set of the app (https://app.example/.well-known/jwks.json)\n' +
        'Nothing is left to do: it is read again without a restart, and the new key is published now.\n',
    )
  })

  test('says where the new key is pasted where the provider is told by hand', async () => {
    const place = await createSet('--provider auth0')
    const { stdout } = await place.run('keys rotate keys.json --provider auth0')
    expect(makeStable(stdout, place)).toContain(`
Before 2026-06-02 12:00:00 UTC
At Auth0: Applications > {application} > Credentials > Available Credentials > Add New Credential. Register the new key beside the old one:
`)
    expect(stdout).not.toContain('Nothing is left to do')
    expect(stdout).toContain(
      '\nPaste the public key below, with its first and last lines.\n' +
        'Or upload a certificate, which --certificate-out makes.\n' +
        'Choose RS256 as its algorithm there: the app signs with it.\n',
    )
    expect(stdout).not.toContain('above')
  })

  test('works for an app: both keys are published, and they switch at the moment', async () => {
    const place = await createSet()
    const uri = `file:${place.path('keys.json')}`
    await place.run('keys rotate keys.json --in 24h --alg RS256')
    const [old, next] = readKeys(place)
    const at = async (moment: number) => {
      vi.useFakeTimers({ toFake: ['Date'], now: moment * 1000 })
      const { keys } = await readPublished(uri)
      return { signs: await readSigner(uri), published: keys.map(({ kid }) => kid) }
    }
    expect(await at(noon)).toEqual({ signs: old?.kid, published: [old?.kid, next?.kid] })
    expect(await at(noon + day - 1)).toMatchObject({ signs: old?.kid })
    expect(await at(noon + day)).toEqual({ signs: next?.kid, published: [old?.kid, next?.kid] })
    expect(await at(noon + 25 * hour)).toEqual({ signs: next?.kid, published: [next?.kid] })
  })

  test('agrees with the app on who signs, over a chain of rotations', async () => {
    const place = await createSet()
    const uri = `file:${place.path('keys.json')}`
    for (let month = 0; month < 4; month += 1) {
      const now = () => noon + month * 30 * day
      expect((await place.run('keys rotate keys.json --in 7d', { now })).exitCode).toBe(0)
    }
    expect(readKeys(place)).toHaveLength(5)
    for (let moment = noon; moment < noon + 130 * day; moment += 3.5 * day) {
      vi.useFakeTimers({ toFake: ['Date'], now: moment * 1000 })
      const { stdout } = await place.run('keys list keys.json --json', { now: () => moment })
      const listed: readonly { kid: string; state: string }[] = JSON.parse(stdout).keys
      const signs = listed.find(({ state }) => state === 'signs')
      expect(signs?.kid).toBe(await readSigner(uri))
      const published = listed.filter(({ state }) => state !== 'retired').map(({ kid }) => kid)
      expect((await readPublished(uri)).keys.map(({ kid }) => kid)).toEqual(published)
    }
  })

  test('keeps the algorithm and the size of the old key, unless another is given', async () => {
    const place = await createSet('--alg PS256 --bits 3072')
    await place.run('keys rotate keys.json')
    await place.run('keys rotate keys.json --force --in 2d --alg EdDSA')
    const [old, next, third] = readKeys(place) as readonly (Jwk & { n?: string })[]
    expect([old?.alg, next?.alg, third?.alg]).toEqual(['PS256', 'PS256', 'EdDSA'])
    expect(next?.n).toHaveLength(old?.n?.length ?? 0)
  })

  test('refuses an algorithm that the provider does not accept', async () => {
    const place = await createSet()
    const { stderr } = await place.run('keys rotate keys.json --provider criipto')
    expect(stderr).toMatch(
      /^countersign: Criipto Verify \(Idura\) does not accept ES256, and accepts/,
    )
    expect(readKeys(place)).toHaveLength(1)
  })

  test('refuses while a key is waiting, unless it is forced', async () => {
    const place = await createSet()
    await place.run('keys rotate keys.json')
    const before = readFileSync(place.path('keys.json'), 'utf8')
    expect(await place.run('keys rotate keys.json')).toEqual(
      failed(
        `the key ${readKeys(place)[1]?.kid} is waiting already, and signs from 2026-06-02 12:00:00 ` +
          'UTC on: --force adds another one',
      ),
    )
    expect(readFileSync(place.path('keys.json'), 'utf8')).toBe(before)
    expect((await place.run('keys rotate keys.json --in 3d --force')).exitCode).toBe(0)
    expect(readTimes(place)).toEqual([
      { exp: noon + 25 * hour },
      { nbf: noon + day, exp: noon + 3 * day + hour },
      { nbf: noon + 3 * day },
    ])
  })

  test('refuses to leave a time in which nobody signs, unless it is forced', async () => {
    const place = await createSet()
    const [key] = readKeys(place)
    writeFileSync(place.path('keys.json'), JSON.stringify({ keys: [{ ...key, exp: noon + 5400 }] }))
    expect(await place.run('keys rotate keys.json')).toMatchObject(
      failed(
        `the key ${key?.kid} ends at 2026-06-01 13:30:00 UTC, and nobody could sign from then until ` +
          'the next one begins: --in 90m or less, or --force, which moves that end',
      ),
    )
    await place.run('keys rotate keys.json --in 90m')
    expect(readTimes(place)).toEqual([{ exp: noon + 5400 }, { nbf: noon + 5400 }])
    const { exitCode } = await place.run('keys rotate keys.json --force')
    expect(exitCode).toBe(0)
  })

  test('brings an end forward that is far away', async () => {
    const place = await createSet()
    const [key] = readKeys(place)
    const keys = [{ ...key, exp: noon + 300 * day }]
    writeFileSync(place.path('keys.json'), JSON.stringify({ keys }))
    await place.run('keys rotate keys.json')
    expect(readTimes(place)).toEqual([{ exp: noon + 25 * hour }, { nbf: noon + day }])
  })

  test('warns of haste', async () => {
    const place = await createSet()
    const { stdout } = await place.run('keys rotate keys.json --in 5m --overlap 1m')
    expect(stdout).toContain('The new key signs in 5 min. Whoever has cached the JWK Set')
    expect(stdout).toContain('The old key is published for 1 min after that.')
  })

  test('drops keys only with --prune, and two days after their end', async () => {
    const place = await createSet()
    await place.run('keys rotate keys.json --in 1h --overlap 1h')
    const kept = () => noon + 2 * hour + 2 * day - 1
    await place.run('keys rotate keys.json --prune --in 1h', { now: kept })
    expect(readKeys(place)).toHaveLength(3)
    const old = readKeys(place)[0]?.kid ?? ''
    const later = () => kept() + 10 * hour
    const { stdout } = await place.run('keys rotate keys.json --prune', { now: later })
    expect(stdout).toContain(`\nDropped: ${old.slice(0, 8)}\n`)
    expect(readKeys(place).map(({ kid }) => kid)).not.toContain(old)
    expect(readKeys(place)).toHaveLength(3)
  })

  test('keeps what it does not know: other members, spare keys, and keys that decrypt', async () => {
    const place = await createSet()
    await place.run('keygen --set other.json')
    await place.run('keygen --set spare.json')
    const read = (name: string) => JSON.parse(readFileSync(place.path(name), 'utf8')).keys[0]
    const { alg: _alg, ...opening } = { ...read('other.json'), use: 'enc' }
    const spare = { ...read('spare.json'), nbf: noon + 300 * day }
    const [key] = readKeys(place)
    const set = {
      note: 'ours',
      keys: [{ ...key, x: (key as never)['x'], more: 1 }, opening, spare],
    }
    writeFileSync(place.path('keys.json'), JSON.stringify(set))
    await place.run('keys rotate keys.json --force')
    const { note, keys } = JSON.parse(readFileSync(place.path('keys.json'), 'utf8'))
    expect(note).toBe('ours')
    expect(keys.slice(0, 3)).toEqual([{ ...set.keys[0], exp: noon + 25 * hour }, opening, spare])
  })

  test.each([
    ['--in 24', '--in: must be a number and its unit, such as 30m, 24h or 7d'],
    ['--in -1h', '--in: must be a number and its unit, such as 30m, 24h or 7d'],
    ['--in 99999d', '--in: must be at most ten years, such as 30m, 24h or 7d'],
    ['--overlap soon', '--overlap: must be a number and its unit, such as 30m, 24h or 7d'],
  ])('%s is refused', async (options, message) => {
    const place = await createSet()
    expect(await place.run(`keys rotate keys.json ${options}`)).toEqual(failed(message))
    expect(readKeys(place)).toHaveLength(1)
  })
})

describe('the file of a set', () => {
  test('is for its owner alone when it is made, and keeps its mode after that', async () => {
    const place = await createSet()
    const readMode = () => statSync(place.path('keys.json')).mode & 0o777
    expect(readMode()).toBe(0o600)
    await place.run('keys rotate keys.json')
    expect(readMode()).toBe(0o600)
    chmodSync(place.path('keys.json'), 0o640)
    await place.run('keygen --set keys.json')
    await place.run('keys rotate keys.json --force')
    expect(readMode()).toBe(0o640)
    expect(readdirSync(place.cwd)).toEqual(['keys.json'])
  })

  test.runIf(process.getuid?.() === 0)('stays that of its owner when root changes it', async () => {
    const place = await createSet()
    chownSync(place.path('keys.json'), 65_534, 65_534)
    await place.run('keys rotate keys.json')
    const { uid, gid, mode } = statSync(place.path('keys.json'))
    expect({ uid, gid, mode: mode & 0o777 }).toEqual({ uid: 65_534, gid: 65_534, mode: 0o600 })
  })

  test('stays where a symbolic link to it leads', async () => {
    const place = await createSet()
    mkdirSync(place.path('links'))
    symlinkSync(place.path('keys.json'), place.path('links/keys.json'))
    expect((await place.run('keys rotate links/keys.json')).exitCode).toBe(0)
    expect(lstatSync(place.path('links/keys.json')).isSymbolicLink()).toBe(true)
    expect(readKeys(place)).toHaveLength(2)
  })

  test('is not written by two at the same time', async () => {
    const place = await createSet()
    const draft = place.path('.keys.json.tmp')
    writeFileSync(draft, 'of somebody else')
    const before = readFileSync(place.path('keys.json'), 'utf8')
    const refusal = failed(
      `${place.path('keys.json')} is being written by somebody else: wait, or remove ${draft} if ` +
        'that has failed',
    )
    expect(await place.run('keys rotate keys.json')).toEqual(refusal)
    expect(await place.run('keygen --set keys.json')).toEqual(refusal)
    expect(readFileSync(place.path('keys.json'), 'utf8')).toBe(before)
    expect(readFileSync(draft, 'utf8')).toBe('of somebody else')
  })

  test('loses no key to runs at the same time', async () => {
    const place = await createSet()
    const runs = await Promise.all(
      Array.from({ length: 8 }, () => place.run('keygen --set keys.json')),
    )
    const added = runs.filter(({ exitCode }) => exitCode === 0).length
    expect(readKeys(place)).toHaveLength(1 + added)
    expect(existsSync(place.path('.keys.json.tmp'))).toBe(false)
  })

  test('takes a key more, which says that another one goes on signing', async () => {
    const place = await createSet()
    const { stdout } = await place.run('keygen --set keys.json')
    expect(stdout).toContain(
      'Another key of the set signs, and goes on signing. For one that takes over at a certain time: ' +
        'countersign keys rotate\n',
    )
    expect(readKeys(place)).toHaveLength(2)
  })

  test('stays as it is when it cannot be read as one', async () => {
    const place = createPlace()
    writeFileSync(place.path('keys.json'), '{"keys": [1]}')
    expect(await place.run('keygen --set keys.json')).toEqual(
      failed(
        `${place.path('keys.json')} is JSON, but no JWK Set: its "keys" is not a list of keys`,
      ),
    )
    expect(readFileSync(place.path('keys.json'), 'utf8')).toBe('{"keys": [1]}')
    expect(readdirSync(place.cwd)).toEqual(['keys.json'])
  })

  test('may be a single private JWK, which becomes a set', async () => {
    const place = await createSet()
    writeFileSync(place.path('keys.json'), JSON.stringify(readKeys(place)[0]))
    await place.run('keys rotate keys.json')
    expect(readTimes(place)).toEqual([{ exp: noon + 25 * hour }, { nbf: noon + day }])
  })
})
