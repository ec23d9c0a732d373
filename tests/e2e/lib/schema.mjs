// Every answer and every notification that a test sees is checked against the schemas of server.methods. What does not
// fit is remembered by the gateway's port, and the test that started that gateway fails at its end.
import Ajv from 'ajv/dist/2020.js';

const ajv = new Ajv({
  strict: true, strictTypes: false, strictRequired: false, allErrors: true,
  formats: { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ },
});
const answers = { type: 'object', additionalProperties: false, required: ['jsonrpc', 'id'],
  properties: { jsonrpc: { const: '2.0' }, id: { type: ['string', 'integer', 'null'] }, result: {}, error: {} } };
const notifications = { type: 'object', additionalProperties: false, required: ['jsonrpc', 'method', 'params'],
  properties: { jsonrpc: { const: '2.0' }, method: { type: 'string' }, params: { type: 'object' } } };
const errors = { type: 'object', additionalProperties: false, required: ['code', 'message'],
  properties: { code: { type: 'integer' }, message: { type: 'string', minLength: 6 }, data: { type: 'object' } } };

let document = null;
const compiled = new Map();
const misfits = new Map();
const unread = new Map();

/** What is seen in this run, by name: methods answered, error words by method, events and notifications. */
export const seen = { results: new Set(), errors: new Set(), events: new Set(), notifications: new Set() };

/** Takes the answer of server.methods; the same for every gateway of a run. */
export function describe(methods) {
  document = methods;
}

export const isDescribed = () => document !== null;

function misfit(key, schema, value) {
  if (!compiled.has(key)) compiled.set(key, ajv.compile({ $defs: document.$defs, ...schema }));
  const check = compiled.get(key);
  return check(value) ? null : check.errors.map((error) => `${error.instancePath || '/'} ${error.message} ${JSON.stringify(error.params)}`).join('; ');
}

/* A member that is null counts as not given. */
const wrongParams = (method, params) => misfit(`params of ${method}`, document.methods[method].params,
  Object.fromEntries(Object.entries(params).filter(([, value]) => value !== null)));

const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Remembers what does not fit of the gateway at `port`. */
export function complain(port, text, message) {
  if (!misfits.has(String(port))) misfits.set(String(port), []);
  misfits.get(String(port)).push(`${text}\n${JSON.stringify(message).slice(0, 2000)}`);
}

/* Answers of two requests with one id cannot be told apart: they are checked for their form alone. */
/** One connection: requests are told to `sent`, what came to `received`; both take the text of a message. */
export class Checker {
  constructor(url) {
    this.port = new URL(url).port;
    this.asked = new Map();
  }

  complain(text, message) {
    complain(this.port, text, message);
  }

  /** A message that is looked at when the gateway is at its end: it costs nothing before. */
  later(text) {
    if (!unread.has(this.port)) unread.set(this.port, []);
    unread.get(this.port).push([this, text]);
  }

  sent(text) {
    const message = parsed(text);
    for (const { id, method, params } of [message].flat().filter((entry) => entry && typeof entry === 'object'))
      if (id !== undefined) this.asked.set(id, this.asked.has(id) ? {} : { name: method, params });
  }

  received(text) {
    if (!document) return;
    const message = parsed(text);
    if (message === undefined) this.complain('no JSON', text);
    for (const one of message === undefined ? [] : [message].flat()) {
      const wrong = one?.method ? this.wrongNotification(one) : this.wrongAnswer(one);
      if (wrong) this.complain(wrong, one);
    }
  }

  wrongNotification(message) {
    const shape = misfit('a notification', notifications, message);
    if (shape) return shape;
    const isEvent = message.method === 'event', name = isEvent ? message.params.type : message.method;
    const news = (isEvent ? document.events : document.notifications)[name];
    if (!news) return `${name} is not described`;
    (isEvent ? seen.events : seen.notifications).add(name);
    const wrong = misfit(`news ${name}`, news.params, message.params);
    return wrong && `${name}: ${wrong}`;
  }

  wrongAnswer(message) {
    const shape = misfit('an answer', answers, message);
    if (shape) return shape;
    if ('result' in message === 'error' in message) return 'neither result nor error, or both';
    const { name, params } = this.asked.get(message.id) ?? {}, method = document.methods[name];
    if (message.error) return this.wrongError(name, method, message.error);
    if (!this.asked.has(message.id)) return 'the answer to what was not asked';
    if (!method) return null;
    seen.results.add(name);
    const wrong = misfit(`result of ${name}`, method.result, message.result);
    if (wrong) return `result of ${name}: ${wrong}`;
    const taken = wrongParams(name, params ?? {});
    return taken && `${name} took parameters that its schema refuses: ${JSON.stringify(params).slice(0, 500)}: ${taken}`;
  }

  wrongError(name, method, error) {
    const shape = misfit('an error', errors, error);
    if (shape) return `error of ${name}: ${shape}`;
    const isForm = [-32700, -32600, -32601].includes(error.code);
    if (isForm) return error.data ? `error of ${name}: no data belongs to its code` : null;
    const wrong = misfit('error data', document.error, error.data);
    if (wrong) return `error of ${name}: ${wrong}`;
    if ((error.code === -32602) !== (error.data.code === 'invalid_argument')) return `error of ${name}: code and word do not fit`;
    if (!method) return null; // several requests had this id
    seen.errors.add(`${name} ${error.data.code}`);
    return method.errors.includes(error.data.code) ? null : `error of ${name}: ${error.data.code} is not described`;
  }
}

/** What did not fit of the gateway at `port`, once. */
export function complaints(port) {
  for (const [checker, text] of unread.get(String(port)) ?? []) checker.received(text);
  unread.delete(String(port));
  const wrong = misfits.get(String(port)) ?? [];
  misfits.delete(String(port));
  return wrong;
}

/** Throws it. */
export function settle(port) {
  const wrong = complaints(port);
  if (wrong.length > 0) throw new Error(`${wrong.length} messages are not as their schemas say:\n${wrong.slice(0, 5).join('\n')}`);
}
