import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createPlace } from './support/run.ts'

const env = { LANG: 'C.UTF-8', OIDC_PROVIDER: 'jikko', SESSION_STORE: 'memory' }

describe('the doctor', () => {
  test('writes ASCII where there may be nothing else', async () => {
    const { stdout } = await createPlace().run('doctor', { env: { ...env, LANG: 'C' } })
    expect(stdout).toMatch(/^ {2}x Configuration /m)
    expect(stdout).toMatch(/^ {2}! Session store /m)
    // What is typeset, such as a quotation, has no place in it either
    expect(stdout).toMatch(/^[\n\x20-\x7e]+$/)
  })

  test('writes in colours only where somebody looks, and wants them', async () => {
    const run = async (isTerminal: boolean, more: Record<string, string> = {}) =>
      (await createPlace().run('doctor', { env: { ...env, ...more }, isTerminal })).stdout
    expect(await run(true)).toContain('\u001b[31m✖')
    expect(await run(true, { NO_COLOR: '1' })).not.toContain('\u001b')
    expect(await run(false)).not.toContain('\u001b')
  })

  test.each([60, 80, 120])('keeps to the width of a terminal of %i columns', async (columns) => {
    const { stdout } = await createPlace().run('doctor', { env, columns })
    const longest = Math.max(...stdout.split('\n').map(({ length }) => length))
    expect(longest).toBeLessThanOrEqual(Math.min(columns, 100))
    expect(longest).toBeGreaterThan(columns / 2)
  })

  test.each([30, 40])('keeps to %i columns, but for long words', async (columns) => {
    const { stdout } = await createPlace().run('doctor', { env, columns })
    const tooLong = stdout.split('\n').filter(({ length }) => length > columns)
    expect(
      tooLong.filter((line) =>
        line
          .trim()
          .replace(/^(?:means|do|see): +/, '')
          .includes(' '),
      ),
    ).toEqual([])
    expect(stdout).toContain('\n  The other checks need')
    expect(stdout).toContain('\n  ✖ Configuration\n    5 faults: the app')
  })

  test('escapes in JSON what nobody sees', async () => {
    const names = { 'OIDC_ISSUE\u202e': 'x', 'OIDC_ISSUE\u007f': 'x' }
    const { stdout } = await createPlace().run('doctor --json', { env: { ...env, ...names } })
    expect(stdout).toContain('OIDC_ISSUE\\u202e')
    expect(stdout).toContain('OIDC_ISSUE\\u007f')
    expect(stdout).toMatch(/^[\n\x20-\x7e]+$/)
    expect(JSON.parse(stdout).checks[0].problems[0].what.join()).toContain('OIDC_ISSUE\u202e')
  })

  test('reads the variables of a file', async () => {
    const { run, path } = createPlace()
    writeFileSync(path('app.env'), 'SESSION_STORE=memory\nOIDC_PROVIDER=jikko\n')
    const { exitCode, stdout } = await run('doctor --env-file app.env', {
      env: { LANG: 'C.UTF-8' },
    })
    expect(exitCode).toBe(2)
    expect(stdout).toMatch(/did\s+you\s+mean\s+"jiko"\?/)
    expect(stdout).toContain('SESSION_STORE=memory')
  })

  test.each(['0', '61', 'soon', '0x5', '5e0'])('takes no time limit of %s', async (seconds) => {
    const { exitCode, stdout, stderr } = await createPlace().run(`doctor --timeout ${seconds}`)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toBe(
      `countersign: option '--timeout <seconds>' argument '${seconds}' is invalid. ` +
        'must be seconds, from 0.1 to 60.\n',
    )
  })

  test('shows no stack, unless it is asked for', async () => {
    const { stdout, stderr } = await createPlace().run('doctor', { env })
    expect(stdout + stderr).not.toMatch(/^ +at /m)
  })
})
