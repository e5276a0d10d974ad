// npm run check: types, lint and format, without the tests.
import { staticChecksPass } from './steps.mjs'

process.exitCode = staticChecksPass() ? 0 : 1
