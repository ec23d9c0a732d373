// A strict reader of Prometheus's text format 0.0.4: what it does not say is an error here, and so is what its
// naming conventions advise against.
import { runProgram } from './program.mjs';

const NAME = /^[a-z][a-z0-9_]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|$)/;

function labelsOf(text, line) {
  const labels = {};
  while (text) {
    const match = LABEL.exec(text);
    if (!match || match[1] in labels) throw new Error(`bad labels: ${line}`);
    labels[match[1]] = match[2];
    text = text.slice(match[0].length);
  }
  return labels;
}

function numberOf(text, line) {
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$|^(\+Inf|-Inf|NaN)$/.test(text)) throw new Error(`bad value: ${line}`);
  return Number(text.replace('Inf', 'Infinity'));
}

function checkName({ name, type, help }) {
  const wrong = !NAME.test(name) ? 'is no name'
    : !/^(switchroom|process)_/.test(name) ? 'has no prefix'
      : type === 'counter' && !name.endsWith('_total') ? 'is a counter without _total'
        : type !== 'counter' && name.endsWith('_total') ? 'is no counter'
          : /_(count|sum|bucket|info_total)$/.test(name) ? 'ends like a part of a histogram'
            : /_(milliseconds|ms|kilobytes|percent|minutes|hours)(_|$)/.test(name) ? 'has no base unit'
              : !/^[A-Z+].*\.$/.test(help) ? 'has no sentence as its help' : null;
  if (wrong) throw new Error(`${name} ${wrong}`);
}

/* Of each set of labels: buckets that do not fall, the last of them for everything, and as many as counted. */
function checkHistogram({ name, samples }) {
  const series = new Map();
  for (const { suffix, labels, value } of samples) {
    const { le, ...rest } = labels, key = JSON.stringify(rest);
    if (!series.has(key)) series.set(key, { buckets: [] });
    if (suffix === '_bucket') series.get(key).buckets.push([numberOf(le, name), value]);
    else series.get(key)[suffix] = value;
  }
  for (const [key, { buckets, _sum: sum, _count: count }] of series) {
    const rising = buckets.every(([le, n], i) => i === 0 || (le > buckets[i - 1][0] && n >= buckets[i - 1][1]));
    if (!rising || buckets.at(-1)?.[0] !== Infinity || buckets.at(-1)[1] !== count || sum === undefined)
      throw new Error(`${name}${key} is no histogram: ${JSON.stringify(buckets)} ${sum} ${count}`);
  }
}

function addSample(family, line, seen) {
  const match = SAMPLE.exec(line);
  const suffix = match?.[1].slice(family?.name.length);
  const fits = match && family?.type && match[1].startsWith(family.name)
    && (family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']).includes(suffix);
  if (!fits) throw new Error(`a sample outside of its family: ${line}`);
  const sample = { suffix, labels: labelsOf(match[2] ?? '', line), value: numberOf(match[3], line) };
  const key = match[1] + JSON.stringify(Object.entries(sample.labels).sort());
  if (seen.has(key)) throw new Error(`twice: ${line}`);
  seen.add(key);
  if (family.type !== 'gauge' && !(sample.value >= 0)) throw new Error(`not positive: ${line}`);
  family.samples.push(sample);
}

/** Reads `text`. Gives a Map: name -> {name, type, help, samples: [{suffix, labels, value}]}. */
export function parse(text) {
  const families = new Map(), seen = new Set();
  let family;
  if (!text.endsWith('\n')) throw new Error('no newline at the end');
  for (const line of text.slice(0, -1).split('\n')) {
    const [, what, name, rest] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (what === 'HELP') {
      if (families.has(name)) throw new Error(`${name} twice`);
      families.set(name, (family = { name, help: rest, samples: [] }));
    } else if (what === 'TYPE') {
      if (family?.name !== name || family.type || !['counter', 'gauge', 'histogram'].includes(rest)) throw new Error(`misplaced: ${line}`);
      family.type = rest;
    } else addSample(family, line, seen);
  }
  for (const each of families.values()) {
    checkName(each);
    if (each.type === 'histogram') checkHistogram(each);
  }
  return families;
}

/** The sum of those samples of `name` whose labels include `wanted`. */
export function valueOf(families, name, wanted = {}, suffix = '') {
  const family = families.get(name);
  if (!family) throw new Error(`there is no metric ${name}`);
  return family.samples.filter((sample) => sample.suffix === suffix
    && Object.entries(wanted).every(([label, value]) => sample.labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0);
}

/** What Prometheus's own tool says; null where it is not installed. */
export async function promtool(args, input) {
  const { error, status, stdout, stderr } = await runProgram('promtool', args, { input });
  if (error?.code === 'ENOENT') return null;
  return { status, text: `${stdout}${stderr}` };
}
