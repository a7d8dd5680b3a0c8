/**
 * Amazon's client, made when first used: its modules, its credentials and its connections.
 *
 * Credentials come from the standard chain (environment, shared files, web identity, the machine's own role) unless
 * they are given.
 */
import type * as S3Module from '@aws-sdk/client-s3'
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3'
import { readFile } from 'node:fs/promises'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { TabletError, messageOf } from '../base/errors.ts'

export type S3Sdk = typeof S3Module

export interface S3ClientOptions {
  readonly region: string
  readonly endpoint?: string | undefined
  readonly forcePathStyle: boolean
  readonly tlsSkipVerify: boolean
  /** Certificates (PEM) of authorities to trust beside those of the system. */
  readonly caFile?: string | undefined
  readonly credentials?: { readonly accessKeyId: string, readonly secretAccessKey: string } | undefined
  /** A connection that is silent for so long is ended. */
  readonly stallMs: number
}

const CONNECT_MS = 10_000
const SOCKETS = 64

export interface S3 {
  readonly sdk: S3Sdk
  readonly client: S3Client
}

export async function openS3(options: S3ClientOptions): Promise<S3> {
  const sdk = await import('@aws-sdk/client-s3')
  const tls = { rejectUnauthorized: !options.tlsSkipVerify, ...await trusted(options.caFile) }
  const agent = { keepAlive: true, maxSockets: SOCKETS, timeout: options.stallMs }
  const config: S3ClientConfig = {
    region: options.region,
    forcePathStyle: options.forcePathStyle,
    maxAttempts: 1,   // steady.ts repeats, in one place for every storage
    // older servers refuse the newer checksums; every body is covered by the signature's sha256 all the same
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_MS, socketTimeout: options.stallMs, socketAcquisitionWarningTimeout: options.stallMs,
      httpAgent: new HttpAgent(agent), httpsAgent: new HttpsAgent({ ...agent, ...tls }),
    },
    ...options.endpoint === undefined ? {} : { endpoint: withScheme(options.endpoint) },
    ...options.credentials === undefined ? {} : { credentials: { ...options.credentials } },
  }
  return { sdk, client: new sdk.S3Client(config) }
}

/** Vitess takes an endpoint with and without its scheme. */
export const withScheme = (endpoint: string): string => /^https?:\/\//i.test(endpoint) ? endpoint : `https://${endpoint}`

/** Given authorities replace the built-in ones in Node, so those are added again. */
async function trusted(caFile: string | undefined): Promise<{ readonly ca?: string[] }> {
  if (caFile === undefined) return {}
  const { rootCertificates } = await import('node:tls')
  const given = await readFile(caFile, 'utf8').catch((error: unknown) => {
    throw new TabletError('STORAGE_DENIED', `cannot read the certificates in ${caFile}: ${messageOf(error)}`, { cause: error, details: { again: false } })
  })
  return { ca: [...rootCertificates, given] }
}
