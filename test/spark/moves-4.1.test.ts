import { testMoves } from './moves.ts'

testMoves('4.1.1', {})
