export * from './names'
export * from './identity'
export * from './journal'
export { currentOwner, isAlive } from './owner'
export { toMarkText, toModesText, toNestedText, toText } from './written'
export {
  fromMarkText,
  fromModesText,
  fromNestedText,
  fromText,
  RecordError,
  type Mark,
} from './parse'
