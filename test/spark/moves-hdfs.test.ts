import { testMovesOnHdfs } from './moves.ts'

testMovesOnHdfs()
