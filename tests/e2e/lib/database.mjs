// What is in a database, seen from outside: Python's sqlite3 reads it while the gateway runs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
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

const holder = `
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
database.execute("ROLLBACK")
`;

/** Keeps everybody else from writing, until the function that it gives is called. */
export async function hold(t, path) {
  const child = spawn('/usr/bin/python3', ['-c', holder, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const release = async () => {
    child.stdin.end();
    await ended;
  };
  t.after(release);
  await once(child.stdout, 'data');
  return release;
}
