// A chat: the session of one client in a room that many share.
//
//   npx migratory run examples/dist/chat.js
//
// What travels is the client's own: name, room, the number of the last message that it has seen. The room is not: whoever
// is in it is on some member or other, so what was said is in a log that all members share, and is looked up there.

import {
  Container,
  Delegate,
  done,
  next,
  Service,
  Snapshot,
  Stage,
  type Next,
  type StageIo,
} from '@migratory/framework';
import { RoomLog, RoomLogInMemory, type Feed } from './room-log.js';

/** Asks who the client is; a sub-protocol, whose fields travel with its owner's. */
export class Login {
  @Snapshot() name: string = '';
  @Snapshot() room: string = '';

  @Stage({ entry: true })
  async askName(io: StageIo): Promise<Next<Login>> {
    this.name = await ask(io, 'Name? ');
    return next('askRoom');
  }

  @Stage()
  async askRoom(io: StageIo): Promise<Next<Login>> {
    this.room = await ask(io, 'Room? ');
    return done(); // goes on at what @Delegate says
  }
}

@Service({ name: 'chat', version: 1 })
export class ChatSession {
  @Delegate({ then: 'talking' }) readonly login!: Login;
  @Snapshot() seenNumber: number = 0;
  @Snapshot() saidCount: number = 0;

  constructor(private readonly log: RoomLog) {}

  @Stage({ entry: true })
  async welcome(io: StageIo): Promise<Next<ChatSession>> {
    await io.write('Welcome.\n');
    return next('login');
  }

  @Stage()
  async talking(io: StageIo): Promise<Next<ChatSession>> {
    const feed = await io.use(() => this.log.follow(this.login.room, this.seenNumber));
    await Promise.race([this.#listen(io), this.#tell(io, feed)]);
    return done();
  }

  /** Only here restart points are taken: behind what was said, when it is in the log. */
  async #listen(io: StageIo): Promise<void> {
    for (;;) {
      const line = await io.readUntil('\n', { maxLength: 1024 });
      if (line === undefined) return;
      const { name, room } = this.login;
      const id = `${io.cid ?? name}/${this.saidCount}`;
      await this.log.append(room, id, { author: name, text: new TextDecoder().decode(line) });
      this.saidCount += 1;
      io.snapshot();
    }
  }

  /** What is written and what is noted as seen are of one instant: nothing is awaited between them. */
  async #tell(io: StageIo, feed: Feed): Promise<void> {
    for await (const { number, author, text } of feed) {
      const written = io.write(`${author}: ${text}\n`);
      this.seenNumber = number;
      await written;
    }
  }
}

async function ask(io: StageIo, question: string): Promise<string> {
  await io.write(question);
  return new TextDecoder().decode(await io.readUntil('\n', { maxLength: 64 }));
}

const log = new RoomLogInMemory();

/** One log for all members. */
export function container(): Container {
  const bindings = new Container();
  bindings.bind(RoomLog).toConstantValue(log);
  return bindings;
}
