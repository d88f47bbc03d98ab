// Builds an image without a container engine: the Dockerfile's own instructions, with a folder as file system.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, join, matchesGlob, posix } from 'node:path';
import { promisify } from 'node:util';

export type Image = {
  /** The folder that is its file system. */
  root: string;
  workdir: string;
  env: Record<string, string>;
  user: string;
  exposed: string[];
  command: string[];
  healthcheck: string[];
};

/** Follows `folder`'s Dockerfile; answers with the image of its last stage. Throws on an instruction it does not know. */
export async function buildImage(folder: string, scratch: string): Promise<Image> {
  const stages = new Map<string, Image>();
  let image: Image | undefined;
  for (const { instruction, rest } of instructions(readFileSync(join(folder, 'Dockerfile'), 'utf8'))) {
    if (instruction === 'FROM') {
      const [, base = '', name = String(stages.size)] = /^(\S+)(?: AS (\S+))?$/.exec(rest) ?? [];
      if (!/^node:24\b/.test(base)) throw new Error(`An image of Node 24 is expected, not ${base}`);
      const root = join(scratch, name);
      image = { root, workdir: '/', env: {}, user: 'root', exposed: [], command: [], healthcheck: [] };
      stages.set(name, image);
      continue;
    }
    if (!image) throw new Error(`${instruction} comes before FROM`);
    if (instruction === 'WORKDIR') {
      image.workdir = posix.resolve(image.workdir, rest);
      mkdirSync(inside(image, '.'), { recursive: true });
    } else if (instruction === 'ENV') {
      Object.assign(image.env, Object.fromEntries(rest.split(/\s+/).map((pair) => pair.split(/=(.*)/))));
    } else if (instruction === 'COPY') copy(image, rest, folder, stages);
    else if (instruction === 'RUN') {
      await promisify(execFile)('sh', ['-c', rest], { cwd: inside(image, '.'), env: surroundings(image) });
    } else if (instruction === 'USER') image.user = rest;
    else if (instruction === 'EXPOSE') image.exposed.push(rest);
    else if (instruction === 'CMD') image.command = JSON.parse(rest);
    else if (instruction === 'HEALTHCHECK') image.healthcheck = JSON.parse(rest.replace(/^(--\S+\s+)*CMD\s+/, ''));
    else throw new Error(`Unknown instruction ${instruction}`);
  }
  if (!image) throw new Error('The Dockerfile has no FROM');
  return image;
}

/** Where a path of the image is on this machine; relative ones start at its working directory. */
export const inside = (image: Image, path: string): string => join(image.root, posix.resolve(image.workdir, path));

/** The image's variables, over what this machine needs to reach its registry; this Node comes first on the path. */
export function surroundings(image: Image): Record<string, string | undefined> {
  const { HOME, PATH, NODE_EXTRA_CA_CERTS } = process.env;
  const registry = Object.entries(process.env).filter(([name]) =>
    /^npm_config_(registry|cafile|cache|userconfig|globalconfig|(https?|no)_?proxy)$|^(https?|no)_proxy$/i.test(name),
  );
  return {
    ...Object.fromEntries(registry),
    HOME,
    NODE_EXTRA_CA_CERTS,
    PATH: [dirname(process.execPath), PATH].join(delimiter),
    ...image.env,
  };
}

function instructions(text: string) {
  return text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim())
    .map((line) => {
      const [, instruction = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
      return { instruction: instruction.toUpperCase(), rest: rest.trim() };
    });
}

function copy(image: Image, rest: string, folder: string, stages: ReadonlyMap<string, Image>) {
  const words = rest.split(/\s+/);
  const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
  const [to = '', ...sources] = words.filter((word) => !word.startsWith('--')).reverse();
  const source = from === undefined ? folder : stages.get(from)?.root;
  if (source === undefined) throw new Error(`There is no stage ${from}`);
  const ignored = from === undefined ? readIgnored(folder) : () => false;
  for (const path of sources) {
    const start = join(source, path);
    if (!existsSync(start) || ignored(path)) throw new Error(`There is no ${path} to copy`);
    // A folder is copied by its content, a file into a folder under its own name.
    const intoFolder = !statSync(start).isDirectory() && (sources.length > 1 || to.endsWith('/') || to === '.');
    cpSync(start, intoFolder ? join(inside(image, to), basename(path)) : inside(image, to), {
      recursive: true,
      filter: (each) => !ignored(posix.relative(source, each)),
    });
  }
}

/** The rules of .dockerignore: the last pattern that matches a path, or a folder above it, decides. */
function readIgnored(folder: string): (path: string) => boolean {
  const patterns = readFileSync(join(folder, '.dockerignore'), 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith('#'));
  return (path) => {
    const names = path.split('/');
    const paths = names.map((_, index) => names.slice(0, index + 1).join('/'));
    const last = patterns.findLast((pattern) => paths.some((each) => matches(each, pattern.replace(/^!/, ''))));
    return last !== undefined && !last.startsWith('!');
  };
}

// Here a star matches names that begin with a dot, too.
const matches = (path: string, pattern: string): boolean =>
  matchesGlob(path.replaceAll(/(^|\/)\./g, '$1_'), pattern.replaceAll(/(^|\/)\./g, '$1_'));
