// The description of a member: what is in order becomes a member's membership, and what is not is said in one line.

import test from 'ava';
import { addressOf, filesOf, planLocalService } from '@migratory/framework/local-service';
import { MemberConfigInvalid, parseMemberConfig, stackOptionsOf } from '@migratory/framework/member-config';

const service = await planLocalService(2);
const files = filesOf(service);
const textOf = (name: string): string => {
  const text = files[name];
  if (text === undefined) throw new Error(`There is no ${name}.`);
  return text;
};

test('a description and the files that it names are the membership that they were made from', async (t) => {
  for (const member of service.members) {
    const config = parseMemberConfig(textOf(`member-${member.id}.json`));
    t.like(config, addressOf(member));
    const { ip } = addressOf(member);
    t.deepEqual(await stackOptionsOf(config, textOf), { ip, membership: member });
    t.deepEqual(await stackOptionsOf(config, (name) => Promise.resolve(textOf(name))), { ip, membership: member });
  }
});

test('a file that can not be read: what the reader says', async (t) => {
  const config = parseMemberConfig(textOf('member-1.json'));
  await t.throwsAsync(stackOptionsOf({ ...config, serviceKeyFile: 'lost.pem' }, textOf), {
    message: 'There is no lost.pem.',
  });
});

const [first] = (JSON.parse(textOf('member-1.json')) as { members: object[] }).members;
const wrong: [what: string, change: object, message: RegExp][] = [
  ['a port beyond', { port: 99_999 }, /^port: /],
  ['no port at all', { port: undefined }, /^port: /],
  ['a name for an address', { ip: 'here' }, /^ip: must be an IP address$/],
  ['an id of nobody', { id: 9 }, /^members: none has the id 9$/],
  ['an id twice', { members: [first, first] }, /^members: two have the same id$/],
  ['no members', { members: [] }, /^members: /],
  ['a word too many', { colour: 'red' }, /colour/],
  ['a slip far inside', { members: [{ ...first, peer: { host: '', port: 1 } }] }, /^members\.0\.peer\.host: /],
  ['two slips', { port: 0, ip: 'here' }, /^ip: .*; port: /],
];

for (const [what, change, message] of wrong) {
  test(`${what} is refused in one line that names the place`, (t) => {
    const text = JSON.stringify({ ...(JSON.parse(textOf('member-1.json')) as object), ...change });
    const error = t.throws(() => parseMemberConfig(text), { instanceOf: MemberConfigInvalid, message });
    t.false(error.message.includes('\n'));
  });
}

test('what is no JSON, and what is no object, is said so', (t) => {
  t.throws(() => parseMemberConfig('{'), { instanceOf: MemberConfigInvalid, message: 'it is no JSON' });
  t.throws(() => parseMemberConfig('5'), { instanceOf: MemberConfigInvalid, message: /^it: / });
});
