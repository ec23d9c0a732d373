// What is in a database, seen from outside: Python's sqlite3 reads it while the gateway runs.
import { execFileSync } from 'node:child_process';

const program = `
import json, sqlite3, sys
database = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True, timeout=10)
print(json.dumps(database.execute(sys.argv[2]).fetchall()))
`;

/** The rows of `sql`. */
export const ask = (path, sql) => JSON.parse(execFileSync('/usr/bin/python3', ['-c', program, path, sql], { encoding: 'utf8' }));
