// Lint rules: typed correctness for everything, and the bans that keep the core pure.
//
// What the formatter or the compiler already says is not said here. The import law is in layers.config.js; sizes, headers
// and words are in test/tidy.test.ts.

import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const impureModules = ['net', 'dgram', 'fs', 'fs/promises', 'tls', 'http', 'https', 'timers', 'timers/promises'];

export default defineConfig(
  globalIgnores(['**/dist/', 'coverage/', 'docs/api/', '*.config.js']),
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true, defaultFrom: true } }],
      eqeqeq: 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Records are mutated behind a call, readers run short: what was true before it may not be true after it.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      '@typescript-eslint/consistent-indexed-object-style': 'off',
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/unified-signatures': 'off',
      // A decorated field says its type: an inferred one reaches the framework as Object.
      '@typescript-eslint/no-inferrable-types': 'off',
    },
  },
  {
    files: ['stack/**', 'framework/**'],
    ignores: [
      'stack/drivers/**',
      'framework/testing/turns.ts',
      'framework/command-line/{main,*-adapter,*-store}.ts',
      'framework/metrics/*-adapter.ts',
      'framework/bin/**',
    ],
    rules: {
      'no-restricted-globals': ['error', 'setTimeout', 'setInterval', 'setImmediate', 'performance'],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now' },
        { object: 'Math', property: 'random' },
        { object: 'process', property: 'hrtime' },
      ],
      'no-restricted-imports': ['error', ...impureModules.map((name) => `node:${name}`)],
    },
  },
);
