// Preloaded: finds what Relay's compiler has made by the names that it writes for bundlers, without an ending.
import { registerHooks } from 'node:module';

registerHooks({ resolve: (name, context, next) => next(name.replace(/\.graphql$/, '$&.ts'), context) });
