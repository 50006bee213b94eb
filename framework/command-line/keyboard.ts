// Single keys from a terminal, without Enter. Where standard input is none, there are no keys.

const CTRL_C = '\x03';
const CTRL_D = '\x04';

export type Key = 'move' | 'quit' | 'interrupt';

const KEYS: Readonly<Record<string, Key>> = {
  m: 'move',
  q: 'quit',
  [CTRL_C]: 'interrupt',
  [CTRL_D]: 'quit',
};

/** Answers what gives the terminal back as it was. */
export function readKeys(input: NodeJS.ReadStream, pressed: (key: Key) => void): () => void {
  if (!input.isTTY) return () => undefined;
  const take = (text: Buffer): void => {
    for (const character of text.toString()) {
      const key = KEYS[character];
      if (key !== undefined) pressed(key);
    }
  };
  input.setRawMode(true);
  input.on('data', take);
  return () => {
    input.off('data', take);
    input.setRawMode(false);
    input.pause();
  };
}
