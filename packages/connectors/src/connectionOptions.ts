import type { z } from 'zod'
import { folderOptions } from './folder/options.ts'
import { postgresOptions } from './postgres/options.ts'

/** The options of every type of connection, as they stand in `connections.<name>`. Without drivers: those load lazily. */
export const connectionSchemas = {
  postgres: postgresOptions,
  folder: folderOptions,
} as const satisfies Record<string, z.ZodObject>

export type ConnectionType = keyof typeof connectionSchemas
