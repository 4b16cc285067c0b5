// The routes as the generated types describe them: `METHOD /path` to what goes in and what comes back. Types only.

import type { paths } from './schema';

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
type Operation = { responses: unknown };
type Name<P extends string, M extends Method> = `${Uppercase<M>} ${P}`;

/** `GET /api/connectors` and all the others. */
export type DescribedName = {
  [P in keyof paths & string]: { [M in Method]: paths[P][M] extends Operation ? Name<P, M> : never }[Method];
}[keyof paths & string];

type OperationOf<N extends string> = N extends `${infer M} ${infer P}`
  ? P extends keyof paths ? Lowercase<M> extends keyof paths[P] ? paths[P][Lowercase<M>] : never : never
  : never;

type Content<T> = T extends { content: { 'application/json': infer J } } ? J : T extends { content: { 'text/plain': infer S } } ? S : null;
type Success<R> = R extends { 200: infer A } ? Content<A> : R extends { 201: infer A } ? Content<A> : R extends { 202: infer A } ? Content<A> : null;
type PathOf<O> = O extends { parameters: { path: infer P } } ? P : undefined;
type QueryOf<O> = O extends { parameters: { query?: infer Q } } ? (Q extends undefined ? undefined : unknown extends Q ? undefined : Exclude<Q, undefined>) : undefined;
type BodyOf<O> = O extends { requestBody: { content: { 'application/json': infer B } } } ? B : O extends { requestBody?: { content: { 'application/json': infer B } } } ? B | undefined : undefined;

/** What goes into this route and what comes back. */
export interface Described<N extends DescribedName> {
  path: PathOf<OperationOf<N>>;
  query: QueryOf<OperationOf<N>>;
  body: BodyOf<OperationOf<N>>;
  answer: OperationOf<N> extends { responses: infer R } ? Success<R> : never;
}
