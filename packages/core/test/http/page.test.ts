import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { buildPage, type Page } from '../../src/http/page.ts'

const page: Page = {
  status: 400,
  title: 'A title',
  text: 'A text.',
  actions: [{ label: 'Try again', href: '/login' }],
}

const hostile = `<img src=x onerror="alert('1')">&`
const escaped = '&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;'

describe('a page', () => {
  test('escapes every text that it is given', () => {
    const { body } = buildPage({
      ...page,
      title: hostile,
      text: hostile,
      detail: hostile,
      reference: hostile,
      actions: [{ label: hostile, href: `/x?${hostile}` }],
    })
    expect(body).not.toContain('<img')
    expect(body.split(escaped)).toHaveLength(8)
  })

  test('allows its own style by hash, and nothing else', () => {
    const { body, headers } = buildPage(page)
    const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(body) ?? []
    const hash = createHash('sha256').update(style).digest('base64')
    expect(style).not.toBe('')
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; ` +
        "frame-ancestors 'none'",
    )
    expect(body).not.toMatch(/<script|\son\w+=|\sstyle=|url\(|@import|https?:/i)
  })

  test('is not cached, not sniffed and not referred from', () => {
    const { status, headers } = buildPage({ ...page, headers: { 'retry-after': '10' } })
    expect(status).toBe(400)
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'content-type': 'text/html; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'retry-after': '10',
    })
  })

  test('shows a detail and a reference only where there is one', () => {
    expect(buildPage(page).body).not.toMatch(/class="(detail|reference)"/)
    const { body } = buildPage({ ...page, detail: 'Because.', reference: 'abc123' })
    expect(body).toContain('<p class="detail">Because.</p>')
    expect(body).toContain('<p class="reference">Reference: <code>abc123</code></p>')
  })

  test('offers its actions as links, the first one first', () => {
    const home = { label: 'Home', href: '/' }
    const { body } = buildPage({ ...page, actions: [...page.actions, home] })
    expect(body).toContain('<nav><a href="/login">Try again</a><a href="/">Home</a></nav>')
  })

  test('shows developers what a provider refused, and escapes all of it', () => {
    const developer = {
      answer: hostile,
      refusal: {
        header: { kid: hostile },
        claims: { [hostile]: 1 },
        causes: [
          {
            rule: hostile,
            message: hostile,
            fix: hostile,
            source: `https://op.example/${hostile}`,
          },
          { rule: 'aud', message: 'x', fix: 'y', source: 'javascript:alert(1)' },
          { rule: 'aud', message: 'x', fix: 'y', source: 'https://op.example/"onclick="x' },
        ],
        command: hostile,
      },
    }
    const { body, headers } = buildPage({ ...page, developer })
    expect(body).not.toMatch(/<img|<script|javascript:|"onclick/)
    expect(body).toContain('op.example/&quot;onclick=&quot;x" rel="noreferrer">op.example</a>')
    const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(body) ?? []
    const hash = createHash('sha256').update(style).digest('base64')
    const plain = String(buildPage(page).headers['content-security-policy'])
    expect(headers['content-security-policy']).toBe(plain.replace(/sha256-[^']+/, `sha256-${hash}`))
    expect(buildPage(page).body).not.toContain('developer')
  })
})
