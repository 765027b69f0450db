import { SluiceError } from '@sluice/core/faults'
import { openFolderStage } from './folderStage.ts'
import type { Stage } from './stage.ts'

/**
 * `file:///absolute/folder`, which is made if it is missing.
 * @throws SluiceError `config_invalid`
 */
export function openStage(uri: string): Stage {
  const url = URL.canParse(uri) ? new URL(uri) : undefined
  if (url?.protocol !== 'file:' || url.host !== '')
    throw new SluiceError(
      'config_invalid',
      `SLUICE_STAGE must be of the form file:///absolute/folder, not ${JSON.stringify(uri)}.`,
    )
  return openFolderStage(url)
}
