import { z } from 'zod'

export const folderOptions = z.strictObject({
  type: z.literal('folder'),
  path: z
    .string({ error: 'expected the path of a folder' })
    .min(1)
    .meta({ path: true })
    .describe('Folder on the machine of the worker. A relative path starts at the configuration file.'),
})

export type FolderOptions = z.infer<typeof folderOptions>
