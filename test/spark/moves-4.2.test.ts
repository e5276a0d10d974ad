import { testMoves } from './moves.ts'

testMoves('4.2.0', { 'spark.sql.streaming.offsetLog.formatVersion': '2' })
