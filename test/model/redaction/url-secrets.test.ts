import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { redactText } from '../../../src/model/redaction/redact-text.ts'

const canary = 'canary1canary2CANARY3'

describe('secrets in URLs', () => {
  for (const url of [
    `https://u:p@host.example/mcp#${canary}`,
    `https://u:p@host.example/mcp?a=b&${canary}`,
    `https://hooks.slack.com:443/services/T0canary/B0canary/${canary}`,
    'https://hooks.slack.com//services//T0canary/B0canary/canary',
    'https://u:p@hooks.slack.com/services/T0canary/B0canary/canary',
    'https://hooks.slack-gov.com/services/T0canary/B0canary/canary',
    'https://discord.com/api/v10/webhooks/123456/canary',
    'https://outlook.office.com/webhook/canary@canary/IncomingWebhook/canary/canary',
    'https://maker.ifttt.com/trigger/event/with/key/canary',
    'https://maker.ifttt.com/trigger/event/json/with/key/canary',
    'https://mcp.zapier.com/api/mcp/s/canary/mcp',
    `https://host.example/webhook/${canary}`,
    `https://host.example/v1/webhooks/team/${canary}/run`,
    'https://host.example/hooks/c4n4ry-c4n4ry-c4n4ry',
    'https://host.example/hooks/canary00112233445566',
    'https://host.example/?k%65y=canary',
    'https://host.example/?key%5B%5D=canary',
    'https://host.example/?key[]=canary',
    'https://host.example/?user[password]=canary',
    'https://host.example/?next=https%3A%2F%2Fa%3Fb%3D1%26token=canary',
    'https://host.example/?next=https%3A%2F%2Fa%3Fb%3D1%26token%3Dcanary',
    'https://host.example/?next=a%2526token%253Dcanary',
    'https://host.example/?next=https://a.example/?token=canary',
    `https://host.example/?${canary}`,
    `https://host.example/?a=b&${canary}#part`,
  ])
    it(`are redacted in ${url}`, () => {
      assert.doesNotMatch(redactText(`see ${url} for more`), /canary/i)
      assert.match(redactText(url), /^https:\/\/.*(?:<redacted>|%3Credacted%3E)/)
    })

  for (const url of [
    'https://host.example/guide#section-2',
    'https://host.example/guide#Section-2-Of-The-Guide',
    'https://host.example/guide#step-1-install-node-20-and-npm-10',
    'https://host.example/code.ts#L10-L20',
    'https://host.example/hooks/deploy-production-2',
    'https://host.example/webhooks/customer-created/v2',
    'https://host.example/?2026-11-30T12:00:00Z',
    'https://host.example/?flag&page=2&sort%5B%5D=name',
    'https://host.example/?next=%2Fhome%3Fpage%3D2%26sort%3Dname',
    'https://host.example:8443/v1.2.3/api/mcp/s',
  ])
    it(`are not seen in ${url}`, () => {
      assert.equal(redactText(url), url)
    })
})
