// A server with a fresh database and a fake Discord, by the program `stage` of benches/load. Ends with the process that started it.

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { join } from 'node:path';
import { Admin } from './admin';
import { FakeDiscord } from './fake_discord';
import { PATIENCE_MS } from './until';

/** The token of every stage's administration. */
export const ADMIN_TOKEN = 'an-admin-token-for-tests-only';

/** The first three times that a server hears of a message with this in it, its source channel panics: built with `failpoints`. */
export const POISON = '\u2620';

export interface Addresses { public: string; ingest: string; admin: string; fake_discord: string; database_url: string; server_pid: number }

/** Where the programs are that scripts/test-browser builds. */
export function program(name: string): string {
  const { HELIOGRAPH_BIN_DIR, CARGO_TARGET_DIR } = process.env;
  const repository = join(import.meta.dirname, '../../..');
  return join(HELIOGRAPH_BIN_DIR ?? join(CARGO_TARGET_DIR ?? join(repository, 'target'), 'debug'), name);
}

/** The environment without what the server would take for keys of its configuration. */
function withoutKeys(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HELIOGRAPH_') && name !== 'DATABASE_URL' && name !== 'FAILPOINTS'));
}

/** What a test needs of a stage, whoever holds its process. */
export class Stage {
  readonly admin_url: string;
  readonly public_url: string;
  readonly ingest_url: string;
  readonly admin: Admin;
  readonly discord: FakeDiscord;

  constructor(readonly addresses: Addresses) {
    this.admin_url = `http://${addresses.admin}`;
    this.public_url = `http://${addresses.public}`;
    this.ingest_url = `http://${addresses.ingest}`;
    this.admin = new Admin(this.admin_url, ADMIN_TOKEN);
    this.discord = new FakeDiscord(addresses.fake_discord);
  }
}

/** A stage of one's own. */
export class OwnStage extends Stage {
  private constructor(addresses: Addresses, private readonly child: ChildProcessWithoutNullStreams, private readonly lines: Interface) {
    super(addresses);
  }

  static async start(env: Record<string, string> = {}): Promise<OwnStage> {
    // Limits of Discord are not what these tests are about; what keeps the server polite is tested elsewhere.
    const fake = JSON.stringify({ limits: { enabled: false } });
    const keys = { HELIOGRAPH_ADMIN_TOKEN: ADMIN_TOKEN, HELIOGRAPH_LOG_FILTER: 'info', FAILPOINTS: 'source_channel::poison=3*panic(poison)', ...env };
    const child = spawn(program('stage'), ['--fake-discord', fake, ...Object.entries(keys).flatMap(([name, value]) => ['--env', `${name}=${value}`])], { env: withoutKeys(), stdio: ['pipe', 'pipe', 'pipe'] });
    const said: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
    const lines = createInterface({ input: child.stdout });
    const ended = once(child, 'exit').then(([code]) => { throw new Error(`stage ended with ${code}: ${said.join('')}`); });
    const failed = once(child, 'error').then(([error]) => { throw new Error(`${program('stage')}: ${String(error)}; scripts/test-browser builds it`); });
    const [line] = (await Promise.race([once(lines, 'line', { signal: AbortSignal.timeout(PATIENCE_MS * 2) }), ended, failed])) as [string];
    ended.catch(() => {});
    failed.catch(() => {});
    return new OwnStage(JSON.parse(line) as Addresses, child, lines);
  }

  /** Runs a statement on the server's database: what only time would bring about. */
  async sql(statement: string): Promise<void> {
    const answered = once(this.lines, 'line', { signal: AbortSignal.timeout(PATIENCE_MS) });
    this.child.stdin.write(`sql ${statement.replaceAll('\n', ' ')}\n`);
    const [line] = (await answered) as [string];
    const answer = JSON.parse(line) as { failed?: string };
    if (answer.failed !== undefined) throw new Error(answer.failed);
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = once(this.child, 'exit');
    this.lines.close();
    // It ends when it can read no more; its children end with it, however it ends.
    this.child.stdin.end();
    const overdue = setTimeout(() => this.child.kill('SIGKILL'), PATIENCE_MS);
    await ended;
    clearTimeout(overdue);
  }
}
