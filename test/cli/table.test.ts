import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { printCsv } from '../../src/cli/csv.ts'
import { plain, printTable, wrap } from '../../src/cli/table.ts'
import type { Table } from '../../src/cli/table.ts'

const table: Table = {
  columns: [{ name: 'TOPIC' }, { name: 'LAG' }, { name: 'NONE' }, { name: 'EVIDENCE', long: true }],
  rows: [
    { cells: ['orders', 5, null, 'the offset 40 is below the log start 100'], colour: 'red' },
    { cells: ['a', 12345, null, 'identity not stored'], quiet: true },
    { cells: ['b', null, null, 'identity not stored'], quiet: true },
    { cells: ['c', 0, null, null] },
  ],
}

test('for a program: one line per row, numbers to the right, - where there is nothing, sentences last', () => {
  assert.deepEqual(printTable(table, { terminal: false }).split('\n'), [
    'TOPIC     LAG  NONE  EVIDENCE',
    'orders      5     -  the offset 40 is below the log start 100',
    'a       12345     -  identity not stored',
    'b           -     -  identity not stored',
    'c           0     -  -',
    '',
  ])
})

test('on a terminal: sentences under their row, and once for all rows where all is well', () => {
  assert.deepEqual(printTable(table, { terminal: true, width: 30, colour: false }).split('\n'), [
    'TOPIC     LAG  NONE',
    'orders      5     -',
    '    the offset 40 is below the',
    '    log start 100',
    'a       12345     -',
    'b           -     -',
    'c           0     -',
    '2 × identity not stored',
    '',
  ])
})

test('colour is for terminals that want it', () => {
  const escape = '\u001B['
  assert.ok(printTable(table, { terminal: true, width: 80, colour: true }).includes(`${escape}31morders`))
  assert.ok(!printTable(table, { terminal: true, width: 80, colour: false }).includes(escape))
  assert.ok(!printTable(table, { terminal: false }).includes(escape))
})

test('text from elsewhere ends no line and commands no terminal', () => {
  assert.equal(plain('a\nb\tc\u0007\u001B[31mred\u001B[0m\u2028ü'), 'a\\x0ab\\x09c\\x07red\\x2028ü')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const printed = printTable({ columns: [{ name: 'GROUP' }, { name: 'N' }], rows: [{ cells: [text, 1] }] }, { terminal: false })
      assert.equal(printed.split('\n').length, 3)
      // eslint-disable-next-line no-control-regex
      assert.ok(!/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u2028\u2029]/.test(printed))
    }),
  )
})

test('wrapped lines hold all words, in order, within the width', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'é'), minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(fc.array(word, { minLength: 1 }), (words) => {
      const lines = wrap(words.join(' '), 20, '  ')
      assert.deepEqual(
        lines.flatMap((line) => line.trim().split(' ')),
        words,
      )
      for (const line of lines) assert.ok(line.startsWith('  ') && line.length <= 20)
    }),
  )
})

test('CSV has a header, empty fields where there is nothing, and quotes what needs them', () => {
  const rows = [{ cells: ['a,b', 1, null] }, { cells: ['say "hi"\nthere', 0, ' x'] }]
  assert.equal(
    printCsv({ columns: [{ name: 'GROUP' }, { name: 'LAG' }, { name: 'X' }], rows }),
    'GROUP,LAG,X\r\n"a,b",1,\r\n"say ""hi""\nthere",0," x"\r\n',
  )
})

test('any CSV is read back as it was written', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 2, maxLength: 2 })), (texts) => {
      const printed = printCsv({ columns: [{ name: 'A' }, { name: 'B' }], rows: texts.map((cells) => ({ cells })) })
      assert.deepEqual(parseCsv(printed), [['A', 'B'], ...texts])
    }),
  )
})

/** RFC 4180, read by a machine of three states. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let field = ''
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] as string
    if (quoted && letter === '"' && text[at + 1] === '"') field += text[++at]
    else if (letter === '"') quoted = !quoted
    else if (quoted) field += letter
    else if (letter === ',') [field] = ['', row.push(field)] as [string, number]
    else if (letter === '\r') continue
    else if (letter === '\n') {
      rows.push([...row, field])
      row = []
      field = ''
    } else field += letter
  }
  return rows
}
