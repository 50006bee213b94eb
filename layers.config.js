// The import law: an import may only point left, and nothing goes in a circle.
//
//   stack      wire <- tcp <- migration <- transfer <- host <- drivers <- socket <- node-stack <- index
//   framework  definition <- compiler <- runtime <- index <- metrics <- testing | command-line; of the stack only its index
//   examples   the framework's public index
//   apps       the framework's public index, its metrics and its description of a member; the gateway the stack's; the demo
//              starts the others as processes, as the members of a local service that the framework plans
//
// Checked on the sources, type imports included. Files that no layer names belong to the first layer of their package.

const layers = {
  stack: ['wire', 'tcp', 'migration', 'transfer', 'host', 'drivers', 'socket', 'node-stack', 'index'],
  framework: [
    'definition',
    'compiler|analysis|explain|explain-diagrams|fields|plan|routes|snapshotable|stage-graph',
    'runtime|container|application|member',
    'index',
    'metrics|member-config',
    'testing',
    'command-line',
  ],
};
const publicIndex = { stack: '^stack/dist/index[.]', framework: '^framework/dist/index[.]' };

/** For each layer but the last: no import of what stands to its right. */
function leftOnly([folder, names]) {
  const path = (some) => `^${folder}/(${some.join('|')})(/|[.]ts$)`;
  return names.slice(0, -1).map((name, at) => ({
    name: `${folder}: ${name} imports only what is left of it`,
    severity: 'error',
    from: at === 0 ? { path: `^${folder}/`, pathNot: path(names.slice(1)) } : { path: path([name]) },
    to: { path: path(names.slice(at + 1)) },
  }));
}

/** A package reaches, outside its own folder, only the listed files of this project. */
function reaches(folder, allowed) {
  return {
    name: `${folder} imports only ${allowed.length === 0 ? 'itself' : 'public indexes'}`,
    severity: 'error',
    from: { path: `^${folder}/` },
    to: { path: '^(stack|framework|apps|examples|test|bench)/', pathNot: [`^${folder}/`, ...allowed] },
  };
}

export default {
  forbidden: [
    ...Object.entries(layers).flatMap(leftOnly),
    reaches('stack', []),
    reaches('framework', [publicIndex.stack]),
    reaches('apps/http-file-server', [publicIndex.framework, '^framework/dist/(metrics/index|member-config)[.]']),
    reaches('apps/pg-frontend', [publicIndex.framework, '^framework/dist/(metrics/index|member-config)[.]']),
    reaches('examples', [publicIndex.framework]),
    reaches('apps/gateway', [publicIndex.stack]),
    reaches('apps/demo', ['^framework/dist/command-line/local-service-adapter[.]']),
    {
      name: 'socket sees of the drivers only their interface',
      severity: 'error',
      from: { path: '^stack/socket/' },
      to: { path: '^stack/drivers/', pathNot: '^stack/drivers/driver[.]ts$' },
    },
    ...Object.keys(layers).map((folder) => ({
      name: `${folder}: every file is reached from the public index`,
      severity: 'error',
      from: { path: `^${folder}/(index|testing/index|command-line/main)[.]ts$` },
      to: { path: `^${folder}/`, pathNot: '/dist/|/bin/|/(testing/index|command-line/main)[.]ts$', reachable: false },
    })),
    { name: 'no circles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'everything resolves', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};
