// What is in a database, seen from outside: Python's sqlite3 reads it while the gateway runs.
import { runProgram } from './program.mjs';

const program = `
import json, sqlite3, sys
database = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True, timeout=10)
print(json.dumps(database.execute(sys.argv[2]).fetchall()))
`;

/** The rows of `sql`. */
export async function ask(path, sql) {
  const { error, status, stdout, stderr } = await runProgram('/usr/bin/python3', ['-c', program, path, sql]);
  if (status !== 0) throw new Error(`${sql}: ${error ?? stderr}`);
  return JSON.parse(stdout);
}
