import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { buildFinding, type Finding } from '../src/doctor/finding.ts'
import { examineStore } from '../src/doctor/store.ts'
import { serve, type Variables } from './support/doctor.ts'
import { createPlace } from './support/run.ts'

async function examine(env: Variables, cwd: string): Promise<Finding> {
  return buildFinding('store', await examineStore({ env, cwd, milliseconds: 10_000 }))
}

/** Creates a folder with a package of this name: a folder above may have the real one. */
function createFolder(name: string, code: string): string {
  const { cwd } = createPlace()
  const folder = join(cwd, 'node_modules', name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'index.js'), code)
  return cwd
}

describe.each([
  ['redis', 'redis', 'REDIS_URL'],
  ['pg', 'postgres', 'DATABASE_URL'],
])('without the package %s', (name, scheme, variable) => {
  test('a password is not tried, and that is said', async () => {
    await using server = await serve(() => {})
    const { host } = new URL(server.url)
    const cwd = createFolder(name, 'module.exports = {}')
    const place = `${scheme}://${host}`
    const finding = await examine({ [variable]: `${scheme}://app:pa55word@${host}` }, cwd)
    expect(finding.outcome).toBe('warning')
    expect(finding.seen).toBe(
      `${place} answers (a connection); the password in ${variable} was not tried`,
    )
    expect(finding.problems[0]?.fix).toBe(
      `Run the doctor in the folder of the app, where "${name}" is installed.`,
    )
    expect(JSON.stringify(finding)).not.toContain('pa55word')
    const { outcome, seen } = await examine({ [variable]: `${place}/0` }, cwd)
    expect({ outcome, seen }).toEqual({
      outcome: 'well',
      seen: `${place}/0 answers (a connection)`,
    })
  })
})

test('a client that tells the password is not let do so', async () => {
  const code = `
    const fail = async () => { throw new Error('no "pa55word+é" (pa55word%2B%C3%A9) is known') }
    exports.createClient = () => ({ on() {}, connect: fail, ping: fail, destroy() {} })`
  const cwd = createFolder('redis', code)
  const finding = await examine({ REDIS_URL: 'redis://:pa55word%2B%C3%A9@127.0.0.1' }, cwd)
  expect(finding.seen).toBe('redis://127.0.0.1 cannot be reached: no "…" (…) is known')
  expect(JSON.stringify(finding)).not.toContain('pa55word')
})
