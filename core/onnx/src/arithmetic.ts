import { type ElementType, elementTypes } from "./element-type.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { Value } from "./operator.ts";

// Arithmetic on values of a graph; a number becomes a scalar of the other operand's type.

export function add(g: GraphBuilder, a: Value, b: Value | number): Value {
  return g.node("Add", [a, operand(g, b, a)], {});
}

export function sub(g: GraphBuilder, a: Value | number, b: Value): Value {
  return g.node("Sub", [operand(g, a, b), b], {});
}

export function mul(g: GraphBuilder, a: Value, b: Value | number): Value {
  return b === 1 ? a : g.node("Mul", [a, operand(g, b, a)], {});
}

export function div(g: GraphBuilder, a: Value, b: Value | number): Value {
  return b === 1 ? a : g.node("Div", [a, operand(g, b, a)], {});
}

export function neg(g: GraphBuilder, x: Value): Value {
  return g.node("Neg", [x], {});
}

export function square(g: GraphBuilder, x: Value): Value {
  return g.node("Mul", [x, x], {});
}

export function exp(g: GraphBuilder, x: Value): Value {
  return g.node("Exp", [x], {});
}

/** 1 where `a` > `b`, else 0, in the type of `a`. */
export function greater(g: GraphBuilder, a: Value, b: Value | number): Value {
  return cast(g, g.node("Greater", [a, operand(g, b, a)], {}), a.type);
}

/** 1 where `a` = `b`, else 0, in the type of `a`. */
export function equal(g: GraphBuilder, a: Value, b: Value | number): Value {
  return cast(g, g.node("Equal", [a, operand(g, b, a)], {}), a.type);
}

export function cast(g: GraphBuilder, x: Value, type: ElementType): Value {
  return x.type === type ? x : g.node("Cast", [x], { to: elementTypes[type].code });
}

function operand(g: GraphBuilder, x: Value | number, like: Value): Value {
  return typeof x === "number" ? g.scalar(x, like.type) : x;
}
