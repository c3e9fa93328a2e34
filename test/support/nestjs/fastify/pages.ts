/**
 * The controller of docs/nestjs.md, word for word.
 *
 * @module
 */

import type { Oidc, UserClaims } from '@countersign/fastify'
import { Body, Controller, Get, Post, Req, Res } from '@nestjs/common'
import { RequireLogin, User } from './login.ts'

@Controller()
export class Pages {
  @Get()
  home(@User() user: UserClaims | undefined) {
    return user ? `Hello, ${user.name}` : 'Hello, whoever you are'
  }

  @Get('profile')
  @RequireLogin()
  profile(@User() user: UserClaims) {
    return user
  }

  @Post('reports')
  @RequireLogin({ claims: { role: ['admin', 'editor'] } })
  createReport(@Body() report: object) {
    return report
  }

  @Get('payment')
  @RequireLogin({ acr: 'strong', maxAge: 300 })
  payment() {
    return 'Paid'
  }

  @Get('calendar')
  async calendar(@Req() request: { oidc: Oidc }) {
    const token = await request.oidc.accessToken()
    return `fetched with ${token.length} characters`
  }

  // With @Res(), because login() and logout() write the response themselves
  @Get('leave')
  leave(@Req() request: { oidc: Oidc }, @Res() _response: unknown) {
    return request.oidc.logout()
  }
}
