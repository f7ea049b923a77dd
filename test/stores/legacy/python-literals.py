"""Prints Python literals, one JSON object a line: {"text", "value"}, without "value" where Python has no JSON for it.

Usage: python-literals.py SEED COUNT. The first half are repr() of random values, the second half damaged ones. A dict is
written as {"dict": [[key, value], ...]}.
"""

import ast
import json
import math
import random
import sys
import warnings

warnings.simplefilter("ignore")
random.seed(int(sys.argv[1]))
count = int(sys.argv[2])
# No raw surrogate among them: source text cannot hold one.
damage = "ab'\"\\{}[](),:\n\r\t\0xuUN0 ." 
characters = "ab'\"\\{}[](),:\n\r\t\0\x07\x1b\x7f\xa0é漢\U0001f989\u2028\ud800\U000e0001nxuUN0 "


def text():
    return "".join(random.choice(characters) for _ in range(random.choice([0, 1, 3, 20])))


def number():
    return random.choice(
        [
            random.randint(-9, 9),
            random.randint(-(2**80), 2**80),
            2**53,
            -(2**53) - 1,
            10**400,
            random.uniform(-1e6, 1e6),
            random.uniform(-1, 1) * 10.0 ** random.randint(-320, 308),
            0.0,
            -0.0,
            1e16,
            1e-7,
            math.inf,
            -math.inf,
            math.nan,
        ]
    )


def scalar():
    return random.choice([text, text, number, lambda: random.choice([True, False, None]), lambda: text().encode("utf-8", "replace")])()


def value(depth):
    kind = random.choice(["scalar", "dict", "list", "tuple", "set"]) if depth else "scalar"
    size = random.choice([0, 1, 2, 5])
    if kind == "dict":
        return {scalar(): value(depth - 1) for _ in range(size)}
    if kind == "set":
        return {scalar() for _ in range(size)}
    if kind == "scalar":
        return scalar()
    items = [value(depth - 1) for _ in range(size)]
    return items if kind == "list" else tuple(items)


def damaged(literal):
    for _ in range(random.choice([1, 1, 2])):
        at, length = random.randrange(len(literal) + 1), random.choice([0, 1, 1, 3])
        piece = random.choice(["", random.choice(damage), literal[at : at + 4], random.choice(["1", "-", "u", "b", "e5", "inf", "None", ",", "\\x4", "()"])])
        literal = literal[:at] + piece + literal[at + length :]
    return literal


class NoLiteral(Exception):
    pass


def finite(x):
    try:
        as_float = float(x)
    except OverflowError:
        return None
    return x if math.isfinite(as_float) else None


def converted(node, source, names):
    """The value as JSON; sets keep the order in which they are written."""
    if isinstance(node, ast.Constant):
        constant = node.value
        if isinstance(constant, bytes):
            return constant.decode()
        if isinstance(constant, (int, float)) and not isinstance(constant, bool):
            return finite(constant)
        if constant is None or isinstance(constant, (str, bool)):
            return constant
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        operand, sign = node.operand, -1 if isinstance(node.op, ast.USub) else 1
        if isinstance(operand, ast.Constant) and type(operand.value) in (int, float):
            return finite(sign * operand.value)
        if isinstance(operand, ast.Name) and operand.id == "inf":
            return None
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return [converted(item, source, names) for item in node.elts]
    if isinstance(node, ast.Dict) and None not in node.keys:
        return {"dict": [[key(k, source, names), converted(v, source, names)] for k, v in zip(node.keys, node.values)]}
    if isinstance(node, ast.Name) and node.id in ("inf", "nan"):
        return None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "set" and not node.args:
        return []
    raise NoLiteral


def key(node, source, names):
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)):
        return converted(node, source, names)
    written = ast.get_source_segment(source, node)
    if written in names:
        return names[written]
    if isinstance(node, (ast.Constant, ast.UnaryOp)):
        return written
    raise NoLiteral


names = {"True": "true", "False": "false", "None": "null", "inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}
for index in range(count):
    literal = repr(value(3))
    if index >= count / 2:
        literal = damaged(literal)
    line = {"text": literal}
    try:
        line["value"] = converted(ast.parse(literal.strip(" \t"), mode="eval").body, literal.strip(" \t"), names)
    except (NoLiteral, SyntaxError, ValueError, MemoryError, RecursionError):
        pass
    print(json.dumps(line))
