import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createPlace, type Place } from './support/run.ts'

/**
 * CSI, an override of the direction, a line separator, one that nobody sees, one beyond 16 bits, and a line
 * that begins as none of a PEM does.
 */
const hostile = 'a\u009b2J\u202eb\u2028c\u200bd\u{e0041}e\n!f'

/** Makes a set whose key has such a name. */
async function createSet({ run, path }: Place): Promise<void> {
  await run('keygen --set keys.json')
  const set = JSON.parse(readFileSync(path('keys.json'), 'utf8'))
  set.keys[0].kid = hostile
  writeFileSync(path('keys.json'), JSON.stringify(set))
}

/** What a terminal may be given: one line after the other of what can be seen. */
const isPlain = (text: string) => !/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text)

describe('a name of a key that would change what a terminal shows', () => {
  test.each([
    ['keys list keys.json --json'],
    ['keys rotate keys.json --json'],
    ['jwks file:keys.json'],
    ['jwks file:keys.json --pem --json'],
  ])('is escaped by "%s", and is the same name to programs', async (line) => {
    const place = createPlace()
    await createSet(place)
    const named = line.replace('file:', `file:${place.cwd}/`)
    const { exitCode, stdout } = await place.run(named)
    expect(exitCode).toBe(0)
    expect(isPlain(stdout)).toBe(true)
    const kids = JSON.parse(stdout).keys.map(({ kid }: { kid: string }) => kid)
    expect(kids).toContain(hostile)
  })

  test('is escaped in what is said of a failure, and in its stack', async () => {
    const { type } = createPlace()
    const { exitCode, stderr } = await type(['--verbose', 'keys', 'list', 'a\u009b2J\u202eb.json'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('a\\u009b2J\\u202eb.json: there is no such file or folder (ENOENT)\n')
    expect(stderr).toMatch(/\n {4}at /)
    expect(isPlain(stderr)).toBe(true)
  })

  test('is escaped in what people read, and stays on its line', async () => {
    const place = createPlace()
    await createSet(place)
    await place.run('keys rotate keys.json')
    const outputs = await Promise.all([
      place.run('keys list keys.json'),
      place.run('keys rotate keys.json'),
      place.run(`jwks file:${place.cwd}/keys.json --pem`),
    ])
    for (const { stdout, stderr } of outputs) {
      expect(isPlain(stdout + stderr)).toBe(true)
      expect(stdout + stderr).not.toMatch(/^!/m)
    }
  })
})
