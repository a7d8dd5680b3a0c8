/** An operation as the API answers with it: model/operation.ts for readers of /openapi.json. */
import { STAGES } from '../model/stage.ts'
import type { JsonSchema } from './api-route.ts'

const STAGE_TIME: JsonSchema = {
  type: 'object', required: ['bytes', 'seconds'],
  properties: {
    bytes: { type: 'integer', description: 'uncompressed for read, compress, decompress and write; stored for upload and download' },
    seconds: { type: 'number', description: 'summed over all that ran at the same time' },
  },
}

export const OPERATION_SCHEMA: JsonSchema = {
  type: 'object', required: ['id', 'kind', 'state', 'startedAt', 'progress'],
  properties: {
    id: { type: 'string' }, kind: { enum: ['backup', 'restore'] }, state: { enum: ['running', 'succeeded', 'failed', 'cancelled'] },
    startedAt: { type: 'string', format: 'date-time' }, endedAt: { type: 'string', format: 'date-time' },
    progress: {
      type: 'object', required: ['step', 'doneBytes'],
      properties: { step: { type: 'string' }, doneBytes: { type: 'integer' }, totalBytes: { type: 'integer', description: 'absent while unknown' } },
    },
    backup: { type: 'string' }, engine: { type: 'string' }, outOfServiceSeconds: { type: 'number' },
    error: { type: 'object', properties: { code: { type: 'string' }, message: { type: 'string' }, hint: { type: 'string' } } },
    stages: {
      type: 'object', description: 'where the time goes; a stage that nothing has passed is absent',
      properties: Object.fromEntries(STAGES.map((stage) => [stage, STAGE_TIME])),
    },
  },
}
