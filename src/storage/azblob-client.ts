/** Microsoft's client of blob storage, made when first used. */
import type { ContainerClient, RestError } from '@azure/storage-blob'
import { messageOf, type TabletError } from '../base/errors.ts'
import { refusalError, silenceError, type Refusal } from './request-errors.ts'

export interface AzureOptions {
  readonly accountName: string
  /** Read anew whenever the client is made: as Azure gives it, base64. */
  readonly accountKey: () => Promise<string>
  /** Undefined: Azure's own, by account. */
  readonly endpoint: string | undefined
  readonly container: string
}

export type Container = ContainerClient

export async function openContainer({ accountName, accountKey, endpoint, container }: AzureOptions): Promise<Container> {
  const sdk = await import('@azure/storage-blob')
  const credential = new sdk.StorageSharedKeyCredential(accountName, await accountKey())
  const url = endpoint ?? `https://${accountName}.blob.core.windows.net`
  const retryOptions = { maxTries: 1 }   // steady.ts repeats, in one place for every storage
  return new sdk.BlobServiceClient(url, credential, { retryOptions }).getContainerClient(container)
}

/** What the client knows of an answer; undefined when none came. */
export function azureRefusal(error: unknown): Refusal | undefined {
  if (!(error instanceof Error)) return undefined
  const { statusCode, code = '', response, details } = error as Partial<RestError> & { details?: { errorCode?: string } }
  if (statusCode === undefined) return undefined
  const [firstLine = ''] = messageOf(error).split('\n')
  return { status: statusCode, word: details?.errorCode ?? code, message: firstLine, retryAfter: response?.headers.get('retry-after') }
}

export function azureError(doing: string, error: unknown): TabletError {
  const refusal = azureRefusal(error)
  return refusal === undefined ? silenceError(doing, error) : refusalError(doing, refusal, error)
}
