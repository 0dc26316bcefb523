/* eslint-disable @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-member-access -- eslint types neither its nodes nor the parser's services */
/**
 * Forbids f(...list) where nobody knows how long the list may be: every argument takes room on the stack, so such a call
 * fails from some 100,000 items on.
 */

/** @typedef {import('typescript').TypeChecker} TypeChecker */
/** @typedef {import('typescript').Type} Type */
/** @typedef {import('estree').SpreadElement} SpreadElement */

/**
 * Is the number of items known from the type?
 * @param {TypeChecker} checker
 * @param {Type} type
 */
function isFixed(checker, type) {
  return checker.isTupleType(type) && !(/** @type {any} */ (type).target.hasRestElement)
}

/**
 * Is it the rest parameter of a function around it? Then it is as long as some call was written.
 * @param {SpreadElement} spread
 * @param {any[]} ancestors
 */
function isRestParameter({ argument }, ancestors) {
  if (argument.type !== 'Identifier') return false
  return ancestors.some(({ params = [] }) =>
    params.some(
      (/** @type {any} */ { type, argument: own }) =>
        type === 'RestElement' && own.name === argument.name,
    ),
  )
}

/** @type {import('eslint').Rule.RuleModule} */
export const noLongSpread = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      long: 'A list of unknown length must not be spread into a call: use append() of lib/append.ts, a loop or reduce()',
    },
  },
  create(context) {
    const { program, esTreeNodeToTSNodeMap: nodes } = context.sourceCode.parserServices
    /** @type {TypeChecker} */
    const checker = program.getTypeChecker()
    const isKnown = (/** @type {unknown} */ node) =>
      isFixed(checker, checker.getTypeAtLocation(nodes.get(node)))
    return {
      ':matches(CallExpression, NewExpression) > SpreadElement.arguments'(
        /** @type {SpreadElement & import('eslint').Rule.Node} */ node,
      ) {
        if (isKnown(node.argument)) return
        if (!isRestParameter(node, context.sourceCode.getAncestors(node))) {
          context.report({ node, messageId: 'long' })
        }
      },
      "CallExpression[callee.property.name='apply']"(/** @type {any} */ node) {
        const [, list] = node.arguments
        if (list !== undefined && !isKnown(list)) context.report({ node, messageId: 'long' })
      },
    }
  },
}
