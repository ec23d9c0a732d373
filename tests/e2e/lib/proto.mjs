// What a .proto file of ours says, as plain objects; enough for the ones that we write.

/** {messages: {Name: [{name, number, type, isRepeated, isMap}]}, enums: {Name: {WORD: number}}}; nested names are joined by _. */
export function parseProto(text) {
  const messages = {}, enums = {};
  const stack = [];
  const scope = () => stack.filter((each) => each.kind !== 'oneof').map((each) => each.name).join('_');
  for (const raw of text.split('\n')) {
    const line = raw.replace(/\/\/.*/, '').trim();
    let match;
    if ((match = /^(message|enum|oneof) (\w+) \{(\})?$/.exec(line))) {
      stack.push({ kind: match[1], name: match[2] });
      if (match[1] === 'message') messages[scope()] = [];
      if (match[1] === 'enum') enums[scope()] = {};
      if (match[3]) stack.pop();
    } else if (line === '}') stack.pop();
    else if ((match = /^(\w+) = (\d+);$/.exec(line))) enums[scope()][match[1]] = Number(match[2]);
    else if ((match = /^map<string, string> (\w+) = (\d+);$/.exec(line)))
      messages[scope()].push({ name: match[1], number: Number(match[2]), type: 'map', isRepeated: false });
    else if ((match = /^(repeated )?(\w+) (\w+) = (\d+);$/.exec(line)))
      messages[scope()].push({ name: match[3], number: Number(match[4]), type: match[2], isRepeated: Boolean(match[1]) });
  }
  return { messages, enums };
}
