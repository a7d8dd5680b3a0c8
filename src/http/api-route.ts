/** What a route of the API is: plain data and one function, known neither to fastify nor to a socket. */
import type { ActionContext } from '../base/action.ts'
import type { OperationEvent, TabletControl } from './control.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

export interface ApiRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** As OpenAPI writes it: `/v1/backups/{name}`. */
  readonly path: string
  readonly id: string
  /** One sentence, for /openapi.json. */
  readonly summary: string
  readonly params?: Readonly<Record<string, JsonSchema>>
  readonly query?: Readonly<Record<string, JsonSchema>>
  readonly headers?: Readonly<Record<string, JsonSchema>>
  readonly body?: JsonSchema
  /** Status → what it means; problems beside these are those of docs/errors.md. */
  readonly answers: Readonly<Record<number, string>>
  /** Of a JSON answer, among the components of /openapi.json. */
  readonly answerSchema?: 'Operation'
  readonly contentType?: string
  handle(request: ApiRequest, control: TabletControl, ctx: ActionContext): ApiReply | Promise<ApiReply>
}

export interface ApiRequest {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Checked against the route's schema; undefined when none was sent. */
  readonly body: unknown
}

export type ApiReply =
  | { readonly status: number, readonly json: unknown, readonly headers?: Readonly<Record<string, string>> }
  | { readonly status: number, readonly text: string, readonly headers: Readonly<Record<string, string>> }
  /** Sent as server-sent events; the signal aborts when the client is gone. */
  | { readonly events: (signal: AbortSignal) => AsyncIterable<OperationEvent> }
