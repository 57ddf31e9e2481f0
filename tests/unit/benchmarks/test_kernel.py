"""What the kernel benchmark says a part costs, and that the parts it leaves out are functions of the kernel."""

import ast
from pathlib import Path

import pytest
from benchmarks.kernel import EVERYTHING, FLOOR, MINHASH, PARTS, Speed, costs, without

from gauger.sketches import kernel


def parameters(code):
    functions = [node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    return {one.name: [argument.arg for argument in one.args.args] for one in functions}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_left_out_has_the_kernel_s_own_parameters(part):
    whole = parameters(Path(kernel.__file__).read_text())
    for stub in PARTS[part]:
        [(name, arguments)] = parameters(f"def {stub}").items()
        assert whole[name] == arguments


def test_a_part_costs_what_leaving_it_out_saves():
    cpu_s = {FLOOR: 1.0, MINHASH: 2.0, EVERYTHING: 5.0} | {without(part): 4.5 for part in PARTS}
    found = costs([Speed(name, "", 1_000_000, 1.0, seconds) for name, seconds in cpu_s.items()])
    assert found == {FLOOR: 1.0, MINHASH: 2.0, EVERYTHING: 5.0} | {f"of it {part}": 0.5 for part in PARTS}
