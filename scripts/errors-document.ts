/** The text of docs/errors.md, from the error catalogue. */
import { ERRORS, type ErrorRow } from '../src/base/error-catalogue.ts'

const INTRODUCTION = `# Errors

<!-- Generated from src/base/error-catalogue.ts by \`npm run docs\`; change the catalogue there. -->

Every way tabletd fails has a code. A code is never renamed or reused, so scripts may rely on it: HTTP answers carry it in
\`problem+json\`, the log in the field \`code\`, a blocker beside its name, and \`tabletctl\` and \`tabletd --check\` exit with
the number given here (sysexits(3): 64 usage, 65 data, 69 unavailable, 70 a bug, 73 cannot create, 74 input or output,
75 try again, 77 permission, 78 configuration). *Again* says whether the same call may succeed later without a change.`

export function errorsDocument(): string {
  const rows = Object.entries<ErrorRow>(ERRORS).map(([code, { http, exit, retryable, hint }]) =>
    `| \`${code}\` | ${http} | ${exit} | ${retryable ? 'yes' : 'no'} | ${hint.replaceAll('|', '\\|')} |`)
  return `${[INTRODUCTION, '', '| code | HTTP | exit | again | what to do |', '|---|---|---|---|---|', ...rows].join('\n')}\n`
}
