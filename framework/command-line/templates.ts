// What `migratory new` writes: a service, its test, and what builds and runs them.

/**
 * As in this repository; a test compares them.
 *
 * @internal
 */
export const TOOL_VERSIONS = { typescript: '6.0.3', '@types/node': '20.19.30' } as const;

/** The files of a package for the service `name`, by their paths in it. `framework`: a version, or `file:` and a folder. */
export function packageOf(name: string, framework: string): Readonly<Record<string, string>> {
  const className = classNameOf(name);
  return {
    '.gitignore': 'node_modules/\ndist/\n',
    'README.md': readme(name, framework.startsWith('file:')),
    'package.json': manifest(name, framework),
    'tsconfig.json': compilerOptions(),
    'src/service.ts': service(name, className),
    'src/service.test.ts': serviceTest(className),
  };
}

/** "my-chat" -> "MyChatSession": no name of the framework's ends so. */
function classNameOf(name: string): string {
  const words = name.split('-').filter((word) => word !== '');
  return `${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')}Session`;
}

function service(name: string, className: string): string {
  return `import { done, next, Service, Snapshot, Stage, type Next, type StageIo } from '@migratory/framework';

const MAX_LINE_LENGTH = 1024;

/** Greets a client, then numbers its lines. One instance serves one connection. */
@Service({ name: '${name}', version: 1 })
export class ${className} {
  /** Goes with the connection when it moves to another server. */
  @Snapshot() lineCount: number = 0;

  @Stage({ entry: true })
  async greeting(io: StageIo): Promise<Next<${className}>> {
    await io.write('Hello. Say something.\\n');
    return next('line');
  }

  /** Entering a stage is a restart point: at another server the connection goes on from here. */
  @Stage()
  async line(io: StageIo): Promise<Next<${className}>> {
    const line = await io.readUntil('\\n', { maxLength: MAX_LINE_LENGTH });
    if (line === undefined) return done();
    this.lineCount += 1;
    await io.write(\`\${this.lineCount}: \${new TextDecoder().decode(line)}\\n\`);
    return next('line');
  }
}
`;
}

function serviceTest(className: string): string {
  return `import assert from 'node:assert/strict';
import test from 'node:test';
import { migrateEverywhere } from '@migratory/framework/testing';
import { ${className} } from './service.js';

test('the client gets the same bytes, wherever its connection moves', async () => {
  const { moves } = await migrateEverywhere(${className}, {
    input: [{ expect: 'Hello. Say something.\\n' }, { send: 'a\\nb\\n' }, { expect: '1: a\\n2: b\\n' }],
  });
  assert.ok(moves > 0);
});
`;
}

function manifest(name: string, framework: string): string {
  const value = {
    name,
    version: '0.1.0',
    private: true,
    type: 'module',
    engines: { node: '>=20.19' },
    scripts: {
      build: 'tsc',
      // Expanded by the shell, or from Node 21 on by Node itself.
      test: 'node --enable-source-maps --test dist/*.test.js',
      start: 'migratory run dist/service.js',
    },
    dependencies: { '@migratory/framework': framework },
    devDependencies: TOOL_VERSIONS,
  };
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function compilerOptions(): string {
  const value = {
    compilerOptions: {
      target: 'ES2023',
      lib: ['ES2023'],
      types: ['node'],
      module: 'NodeNext',
      moduleResolution: 'NodeNext',
      strict: true,
      noImplicitOverride: true,
      noImplicitReturns: true,
      noUncheckedIndexedAccess: true,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      skipLibCheck: true,
      sourceMap: true,
      rootDir: 'src',
      outDir: 'dist',
    },
    include: ['src'],
  };
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function readme(name: string, isLinked: boolean): string {
  return `# ${name}

A service whose connections move from one server to another while their clients notice nothing.

\`\`\`sh
npm install
npm run build
npm test         # moves the connection after every effect, and compares what the client sees
npm start        # two servers on this machine, and a port for nc; press m to move
\`\`\`

\`npx migratory explain dist/service.js\` shows what the service compiles into.
${isLinked ? LINKED : ''}`;
}

const LINKED = `
It was made with a checkout of Migratory, so \`package.json\` links to the framework there: run \`npm ci && npm run build\` in
the checkout first. With the published package, put its version in the place of the link.
`;
