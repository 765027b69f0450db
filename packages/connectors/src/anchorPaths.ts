import { resolve } from 'node:path'
import type { ConnectionDefinition } from '@sluice/core/config/syncDefinition'
import { connectionSchemas } from './connectionOptions.ts'

/** Makes the paths of a checked connection absolute: `{ file }` of secrets, and options that are paths. */
export function anchorPaths(connection: ConnectionDefinition, folder: string): ConnectionDefinition {
  const shape: Record<string, { meta(): unknown } | undefined> =
    connectionSchemas[connection.type as keyof typeof connectionSchemas].shape
  const anchored: ConnectionDefinition = { ...connection }
  for (const [name, value] of Object.entries(connection)) {
    if (isFileRef(value)) anchored[name] = { file: resolve(folder, value.file) }
    else if (typeof value === 'string' && isPath(shape[name])) anchored[name] = resolve(folder, value)
  }
  return anchored
}

function isFileRef(value: unknown): value is { file: string } {
  return typeof value === 'object' && value !== null && 'file' in value && typeof value.file === 'string'
}

function isPath(option: { meta(): unknown } | undefined): boolean {
  return (option?.meta() as { path?: boolean } | undefined)?.path === true
}
