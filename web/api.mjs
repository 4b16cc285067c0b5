// Writes admin/src/api/schema.d.ts from docs/openapi.json. With --check it writes nothing and fails when the file is stale.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const DOCUMENT = new URL('../docs/openapi.json', import.meta.url);
const FILE = new URL('admin/src/api/schema.d.ts', import.meta.url);

const types = astToString(await openapiTS(JSON.parse(readFileSync(DOCUMENT, 'utf8')), { alphabetize: true, defaultNonNullable: false }));
const text = `// Generated from docs/openapi.json by \`make openapi\`. Do not edit.\n\n${types}`;
if (process.argv.includes('--check')) {
  if (!existsSync(FILE) || readFileSync(FILE, 'utf8') !== text) {
    console.error('web/admin/src/api/schema.d.ts is stale: run make openapi');
    process.exit(1);
  }
} else {
  writeFileSync(FILE, text);
}
