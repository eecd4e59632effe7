/** Asking and telling the server: one function per endpoint, one error type. */

import type { Done, Failure, QueryNode, ResourceManifests } from "@/api/types"

/** Every way in which an answer is not the one that was wanted. status: 0 when nobody answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: string,
    readonly nextStep: string,
  ) {
    super(problem)
  }
}

/** Any error as an ApiError; an abort stays what it is. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  return new ApiError(0, "The server does not answer.", "Is `canarium up` still running? The page tries again by itself.")
}

async function answer(path: string, init: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, { credentials: "same-origin", ...init })
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error
    throw asApiError(error)
  }
  if (response.ok) return response
  throw await failure(response)
}

async function failure(response: Response): Promise<ApiError> {
  try {
    const body = (await response.json()) as Partial<Failure> & { error?: string }
    return new ApiError(response.status, body.problem ?? body.error ?? response.statusText, body.nextStep ?? "")
  } catch {
    return new ApiError(response.status, `The server answered ${response.status} ${response.statusText}.`, "")
  }
}

async function get<T>(path: string, signal: AbortSignal): Promise<T> {
  return (await (await answer(path, { signal })).json()) as T
}

async function post<T>(path: string, body: unknown): Promise<T> {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }
  return (await (await answer(path, init)).json()) as T
}

const part = encodeURIComponent

/** Do something to a Rollout: restart, retry, abort, promote, promote-full, undo, set-image. */
export function rolloutAction(namespace: string, name: string, action: string, body: unknown = {}): Promise<Done> {
  return post(`/api/rollouts/${part(namespace)}/${part(name)}/${part(action)}`, body)
}

/** Do something to an Application: refresh, hard-refresh, sync. */
export function applicationAction(namespace: string, name: string, action: string, body: unknown = {}): Promise<Done> {
  return post(`/api/applications/${part(namespace)}/${part(name)}/${part(action)}`, body)
}

/** Which resource of an Application. */
export interface ResourceRef {
  readonly group: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

/** Both manifests of a resource, and how they differ. */
export function resourceManifests(
  namespace: string,
  name: string,
  resource: ResourceRef,
  signal: AbortSignal,
): Promise<ResourceManifests> {
  const query = new URLSearchParams({ ...resource })
  return get(`/api/applications/${part(namespace)}/${part(name)}/resource?${query}`, signal)
}

/** A query's parts and what each is worth. time: Unix seconds, empty for now. */
export function queryTree(query: string, time: string, signal: AbortSignal): Promise<QueryNode> {
  return get(`/api/query_tree?${new URLSearchParams({ query, time })}`, signal)
}

/** Give the token, get the cookie. */
export function login(token: string): Promise<Done> {
  return post("/api/login", { token })
}

/** What a log is asked for. */
export interface LogOptions {
  readonly container: string
  readonly previous: boolean
  readonly tail: number
}

/** A pod's log as it is written, in pieces of text; ends with the pod or the signal. */
export async function followLog(
  namespace: string,
  pod: string,
  options: LogOptions,
  onText: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const query = new URLSearchParams({
    container: options.container,
    previous: String(options.previous),
    tail: String(options.tail),
    follow: String(!options.previous),
  })
  const response = await answer(`/api/pods/${part(namespace)}/${part(pod)}/log?${query}`, { signal })
  const decoder = new TextDecoder()
  const reader = response.body?.getReader()
  for (;;) {
    const piece = await reader?.read()
    if (piece === undefined || piece.done) return
    onText(decoder.decode(piece.value, { stream: true }))
  }
}

/** The stream of the topics, until the signal or an error. Raises ApiError. */
export async function openStream(topics: readonly string[], signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const query = new URLSearchParams(topics.map((topic) => ["topic", topic]))
  const response = await answer(`/api/watch?${query}`, { signal, headers: { accept: "text/event-stream" } })
  if (response.body === null) throw new ApiError(0, "The server streams nothing.", "Reload the page.")
  return response.body
}

/** Any `/api/v1` endpoint of Prometheus; its `data`. Raises ApiError with Prometheus' own words. */
export async function prometheus<T>(path: string, parameters: Record<string, string>, signal: AbortSignal): Promise<T> {
  return (await prometheusAnswer<T>(path, parameters, signal)).data
}

/** The same with warnings and infos beside the data. */
export async function prometheusAnswer<T>(
  path: string,
  parameters: Record<string, string>,
  signal: AbortSignal,
): Promise<{ data: T; warnings?: string[]; infos?: string[] }> {
  return get(`/api/v1/${path}?${new URLSearchParams(parameters)}`, signal)
}
