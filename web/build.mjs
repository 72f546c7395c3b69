// SPDX-License-Identifier: Apache-2.0
// Builds the pages and the library into build/web/: one script and one style sheet per page with the
// hash of their content in the name, the library under its fixed name with its types, and the HTML.
// With --watch it goes on as sources change.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, context } from 'esbuild';
import ts from 'typescript';

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(here, '../build/web');

/** Page -> where its HTML goes. Its script is apps/<page>/main.ts, its HTML apps/<page>/index.html. */
const pages = { home: 'index.html', buyer: 'c/index.html', desk: 'desk/index.html', certificate: 'certificate/index.html' };

const common = {
  absWorkingDir: here,
  bundle: true,
  format: 'esm',
  target: ['es2022', 'chrome100', 'firefox100', 'safari15.4'],
  charset: 'utf8',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
};

/** Fills the names of script and style sheet into each page's HTML. */
function writePages(metafile) {
  for (const [page, target] of Object.entries(pages)) {
    const entry = `apps/${page}/main.ts`;
    const [script, { cssBundle }] = Object.entries(metafile.outputs).find(
      ([, output]) => output.entryPoint === entry,
    );
    const address = (path) => `/${relative(out, join(here, path))}`;
    const head = `<link rel="stylesheet" href="${address(cssBundle)}">
  <script type="module" src="${address(script)}"></script>`;
    const html = readFileSync(join(here, `apps/${page}/index.html`), 'utf8');
    mkdirSync(dirname(join(out, target)), { recursive: true });
    writeFileSync(join(out, target), html.replace('<!-- assets -->', head));
  }
}

const pagesPlugin = {
  name: 'pages',
  setup({ onEnd }) {
    onEnd((result) => {
      if (result.errors.length === 0) writePages(result.metafile);
    });
  },
};

const pagesBuild = {
  ...common,
  entryPoints: Object.keys(pages).map((page) => ({ in: `apps/${page}/main.ts`, out: page })),
  outdir: join(out, 'assets'),
  publicPath: '/assets',
  entryNames: '[name]-[hash]',
  chunkNames: 'part-[hash]',
  assetNames: '[name]-[hash]',
  splitting: true,
  metafile: true,
  loader: { '.svg': 'file' },
  plugins: [pagesPlugin],
};

const sdkBuild = { ...common, entryPoints: ['sdk/index.ts'], outfile: join(out, 'sdk/loupe.js') };

/** The library's declarations, beside its script. */
function writeTypes() {
  const { config } = ts.readConfigFile(join(here, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, here);
  const program = ts.createProgram([join(here, 'sdk/index.ts')], {
    ...options,
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    outDir: join(out, 'sdk/types'),
    rootDir: join(here, 'sdk'),
  });
  program.emit();
  writeFileSync(join(out, 'sdk/loupe.d.ts'), "export * from './types/index.js';\n");
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
cpSync(join(here, 'public'), out, { recursive: true });
if (process.argv.includes('--watch')) {
  for (const options of [pagesBuild, sdkBuild]) await (await context(options)).watch();
} else {
  await Promise.all([build(pagesBuild), build(sdkBuild)]);
  writeTypes();
}
