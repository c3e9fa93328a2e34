import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runWell } from './house/children.ts'
import { root } from './house/sources.ts'

const peer = 'express-openid-connect'
const isBuilt = ['core', 'express'].every((name) =>
  existsSync(join(root, 'packages', name, 'dist/index.js')),
)

const spread = {
  median: expect.any(Number),
  low: expect.any(Number),
  high: expect.any(Number),
}
const cost = { total: spread, over: spread, floor: spread }
const start = { cpu: spread, elapsed: spread, rss: spread }

describe('the benchmark', () => {
  // It measures what is published: without a build there is nothing to measure
  test.skipIf(!isBuilt && !process.env['CI'])(
    'signs in and asks everywhere, and tells what it cost',
    async () => {
      const program = [process.execPath, 'test/bench/run.js', '--quick', '--json']
      const result = JSON.parse(await runWell(program, { cwd: root }))
      expect(result).toMatchObject({
        versions: { [peer]: '3.4.0', '@countersign/express': expect.any(String) },
        startUp: { bare: start, countersign: start, [peer]: start },
        cookieBytes: { countersign: expect.any(Number), [peer]: expect.any(Number) },
      })
      const names = result.scenarios.map(({ name }: { name: string }) => name)
      expect(names).toEqual([
        'signed-in',
        'unread',
        'anonymous',
        'unrelated',
        'login RS256',
        'login ES256',
      ])
      for (const scenario of result.scenarios) {
        expect(scenario).toMatchObject({
          countersign: cost,
          [peer]: cost,
          ratio: { peerToOurs: expect.any(Number), oursToPeer: expect.any(Number) },
        })
      }
    },
  )
})
