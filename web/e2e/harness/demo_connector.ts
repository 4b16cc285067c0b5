// The real demo connector as a child process, with its token in a file as people run it.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { program } from './stage';

export class DemoConnector {
  private constructor(private readonly child: ChildProcess, private readonly directory: string) {}

  static async start(settings: { ingest_url: string; tenant_key: string; connector_id: string; token: string; rate: number; seed?: number }): Promise<DemoConnector> {
    const directory = await mkdtemp(join(tmpdir(), 'heliograph-e2e-'));
    const token_file = join(directory, 'token');
    await writeFile(token_file, settings.token, { mode: 0o600 });
    const child = spawn(program('demo-connector'), [
      '--server', settings.ingest_url, '--token-file', token_file, '--tenant', settings.tenant_key, '--connector', settings.connector_id,
      '--charts-port', '0', '--rate', String(settings.rate), '--seed', String(settings.seed ?? 7),
    ], { stdio: 'ignore' });
    await once(child, 'spawn');
    return new DemoConnector(child, directory);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await ended;
    }
    await rm(this.directory, { recursive: true, force: true });
  }
}
