import { MemoryStore } from 'express-session'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mainFrameworks } from '../../support/frameworks.ts'
import { type Setting, secret, signIn, startSetting } from '../../support/setting.ts'
import type { UserAgent } from '../../support/user-agent.ts'

/** Whoever can read and write the store, and knows no secret. */
interface Records {
  readonly sessions: Record<string, string>
}

describe.each(mainFrameworks)('on $name', (framework) => {
  const store = new MemoryStore()
  const { sessions: records } = store as unknown as Records
  let setting: Setting
  beforeAll(async () => {
    const keep = ['accessToken', 'refreshToken', 'idToken'] as const
    setting = await startSetting(framework, { session: { secret, store, keep } })
  })
  afterAll(() => setting.close())
  beforeEach(() => {
    setting.reset()
    for (const id of Object.keys(records)) delete records[id]
  })

  async function signInAs(sub: string): Promise<UserAgent> {
    setting.provider.behave.sub = sub
    return await signIn(setting)
  }

  const token = async (browser: UserAgent) => await browser.navigate(`${setting.app.url}/token`)
  const tokenRecords = () => Object.keys(records).filter((id) => id.includes(':tokens:'))

  test('tokens are not to be read in the store', async () => {
    const { text } = await token(await signInAs('alice'))
    expect(tokenRecords()).toHaveLength(1)
    expect(JSON.stringify(records)).not.toContain(text)
  })

  test('the tokens of one session are nothing to another', async () => {
    const mallory = await signInAs('mallory')
    const [ofMallory = ''] = tokenRecords()
    await signInAs('alice')
    const ofAlice = tokenRecords().find((id) => id !== ofMallory) ?? ''
    records[ofMallory] = records[ofAlice] ?? ''
    const page = await token(mallory)
    expect(page.status).toBe(500)
    expect(JSON.parse(page.text).code).toBe('ERR_TOKEN_NOT_KEPT')
  })

  test.each([
    ['garbage', 'not JSON'],
    ['another kind of record', JSON.stringify({ sealed: 7 })],
    ['tokens in the clear', JSON.stringify({ accessToken: 'a', refreshToken: 'r' })],
  ])('%s in their place is no token, and ends no other session', async (_name, value) => {
    const browser = await signInAs('alice')
    const [id = ''] = tokenRecords()
    records[id] = value
    const page = await token(browser)
    expect(page.status).toBeGreaterThanOrEqual(500)
    expect(page.text).not.toBe('a')
    expect(setting.provider.requestsTo('token')).toHaveLength(1)
    const other = await signInAs('bob')
    expect((await token(other)).status).toBe(200)
  })
})
