/** By this word a gated job saves the offsets of the batch that it worked on. */
export const goOn = 'go on'
