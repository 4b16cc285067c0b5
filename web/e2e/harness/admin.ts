// The admin API as a script uses it: with the token, one call at a time, a refusal thrown. What a test sets up that is not what it is about.

export class Refused extends Error {
  constructor(readonly route: string, readonly status: number, readonly body: { error_code?: string; message?: string; field?: string }) {
    super(`${route} answered ${status}: ${JSON.stringify(body)}`);
  }
}

/** Whatever JSON says; a test names the fields it reads. */
// eslint-disable-next-line
export type Json = any;

export class Admin {
  constructor(private readonly url: string, private readonly token: string) {}

  async call(method: string, path: string, body?: unknown): Promise<Json> {
    const answer = await fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${this.token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    const is_json = answer.headers.get('content-type')?.includes('json') ?? false;
    const said = text === '' ? null : is_json ? JSON.parse(text) : text;
    if (!answer.ok) throw new Refused(`${method} ${path}`, answer.status, said ?? {});
    return said;
  }

  get = (path: string) => this.call('GET', path);
  post = (path: string, body: unknown = {}) => this.call('POST', path, body);
  put = (path: string, body: unknown) => this.call('PUT', path, body);
  patch = (path: string, body: unknown) => this.call('PATCH', path, body);
  remove = (path: string) => this.call('DELETE', path);

  /** Every row of a list. */
  async all(path: string): Promise<Json[]> {
    const rows: Json[] = [];
    let after: string | null = null;
    do {
      const joined: string = `${path}${path.includes('?') ? '&' : '?'}limit=500${after === null ? '' : `&after=${encodeURIComponent(after)}`}`;
      const page = await this.get(joined);
      rows.push(...page.items);
      after = page.next_after;
    } while (after !== null);
    return rows;
  }

  /** Changes a connector, whatever its version is. */
  async changeConnector(connector_id: string, change: Record<string, unknown>): Promise<Json> {
    const { version } = await this.get(`/api/connectors/${connector_id}`);
    return this.patch(`/api/connectors/${connector_id}`, { version, ...change });
  }
}
