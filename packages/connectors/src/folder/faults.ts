import { type FaultCode, SluiceError } from '@sluice/core/faults'

const systemCodes: Record<string, FaultCode> = {
  ENOENT: 'folder_missing',
  ENOTDIR: 'folder_missing',
  EACCES: 'permission_denied',
  EPERM: 'permission_denied',
  ELOOP: 'config_invalid',
  ENAMETOOLONG: 'config_invalid',
  EMFILE: 'source_throttled',
  ENFILE: 'source_throttled',
  // Folders may lie on a network or on a disk that fails.
  EIO: 'source_unavailable',
  EBUSY: 'source_unavailable',
  ESTALE: 'source_unavailable',
  ETIMEDOUT: 'source_unavailable',
  EHOSTDOWN: 'source_unavailable',
  EHOSTUNREACH: 'source_unavailable',
  ENODEV: 'source_unavailable',
  ENOTCONN: 'source_unavailable',
}

/** An error of the file system as one of ours. Its words hold the path and no content. */
export function folderFault(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  if (error instanceof SluiceError || typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) return error
  return new SluiceError(systemCodes[code] ?? 'internal', `The system said: ${message}.`, { cause: error })
}
