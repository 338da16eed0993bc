"""One key of a TOML text changes, and every other byte stays."""

import tomllib

import pytest

from panels.toml_lines import find_line, remove_key, set_key, to_literal

TEXT = """\
# The demo, as a person wrote it.
name = "ada"      # short
seed = 11

[optim]           # the length of it
lr = 1e-3         # loud
steps = 60

[audit]
sealed = [
    "one",  # a ] in a comment
    "two]",
]
every = 1
"""


def test_a_value_changes_and_its_comment_stays_in_its_column() -> None:
    changed = set_key(TEXT, ("optim", "lr"), "0.00025")
    assert changed == TEXT.replace("lr = 1e-3         # loud", "lr = 0.00025      # loud")
    long = set_key(TEXT, ("name",), '"a-name-of-some-length"')
    assert 'name = "a-name-of-some-length"  # short\n' in long


def test_a_new_key_comes_behind_its_neighbours() -> None:
    assert set_key(TEXT, ("optim", "batch"), "8") == TEXT.replace("steps = 60\n", "steps = 60\nbatch = 8\n")
    assert set_key(TEXT, ("base",), '"m"') == TEXT.replace("seed = 11\n", 'seed = 11\nbase = "m"\n')


def test_a_new_table_comes_at_the_end() -> None:
    assert set_key(TEXT, ("lora", "rank"), "8") == TEXT + "\n[lora]\nrank = 8\n"
    assert set_key('name = "a"', ("lora", "rank"), "8") == 'name = "a"\n\n[lora]\nrank = 8\n'
    assert set_key("", ("lora", "rank"), "8") == "[lora]\nrank = 8\n"


def test_a_header_without_keys_takes_the_first() -> None:
    assert set_key("[lora]\n\n[optim]\nlr = 1\n", ("lora", "rank"), "8") == "[lora]\nrank = 8\n\n[optim]\nlr = 1\n"


def test_a_first_key_comes_before_the_first_table() -> None:
    assert set_key("# why\n[optim]\nlr = 1\n", ("name",), '"a"') == '# why\nname = "a"\n[optim]\nlr = 1\n'


def test_a_value_of_several_lines_is_replaced_whole() -> None:
    changed = set_key(TEXT, ("audit", "sealed"), '["three"]')
    assert tomllib.loads(changed)["audit"] == {"sealed": ["three"], "every": 1}
    assert changed.startswith(TEXT[: TEXT.index("sealed")])
    assert changed.endswith('sealed = ["three"]\nevery = 1\n')


@pytest.mark.parametrize(
    "value", ['"""a\n[x]\nb = 1 \\""" still"""', "'''it's # no comment'''", '"a # b \\" = c"', "'[no table]'", '""']
)
def test_strings_are_not_mistaken_for_keys(value: str) -> None:
    text = f"[template]\nsystem = {value}  # said\nkwargs = {{}}\n"
    assert set_key(text, ("template", "system"), '"x"').startswith('[template]\nsystem = "x"')
    assert tomllib.loads(set_key(text, ("template", "kwargs"), "{ a = 1 }"))["template"]["kwargs"] == {"a": 1}
    assert remove_key(text, ("template", "system")) == "[template]\nkwargs = {}\n"


def test_a_key_goes_with_its_line_and_an_empty_table_with_its_header() -> None:
    assert remove_key(TEXT, ("optim", "lr")) == TEXT.replace("lr = 1e-3         # loud\n", "")
    both = remove_key(remove_key(TEXT, ("optim", "lr")), ("optim", "steps"))
    assert both == TEXT.replace("[optim]           # the length of it\nlr = 1e-3         # loud\nsteps = 60\n\n", "")
    assert remove_key(TEXT, ("optim", "batch")) == TEXT


def test_a_table_left_with_a_comment_keeps_it() -> None:
    text = "[lora]\n# small is enough\nrank = 8\n"
    assert remove_key(text, ("lora", "rank")) == "[lora]\n# small is enough\n"


def test_dotted_keys_get_dotted_neighbours() -> None:
    text = 'optim.lr = 1e-3\nname = "a"\n'
    changed = set_key(text, ("optim", "steps"), "5")
    assert changed == 'optim.lr = 1e-3\noptim.steps = 5\nname = "a"\n'
    assert tomllib.loads(changed)["optim"] == {"lr": 1e-3, "steps": 5}


def test_an_inline_table_changes_inside() -> None:
    text = "optim = { lr = 1e-3, steps = 5 }  # brief\n"
    assert set_key(text, ("optim", "steps"), "6") == "optim = { lr = 0.001, steps = 6 }  # brief\n"
    assert remove_key(text, ("optim", "steps")) == "optim = { lr = 0.001 }            # brief\n"


def test_a_section_takes_a_table_key_by_key() -> None:
    text = "[upsample]\nvoice = 2  # twice\nhistory = 3\n"
    changed = set_key(text, ("upsample",), "{ voice = 2, law = 4 }")
    assert changed == "[upsample]\nvoice = 2  # twice\nlaw = 4\n"
    assert remove_key(text, ("upsample",)) == ""


def test_quoted_keys_and_windows_line_ends_are_read() -> None:
    assert set_key('"lr" = 1\r\n[a."b c"]\r\nd = 2\r\n', ("a", "b c", "d"), "3") == '"lr" = 1\r\n[a."b c"]\r\nd = 3\r\n'
    assert set_key('"lr" = 1\n', ("lr",), "2") == '"lr" = 2\n'


def test_broken_lines_are_passed_over() -> None:
    text = 'name = "ada\n???\n[optim\nlr = \nsteps = 5\n'
    assert set_key(text, ("steps",), "6") == text.replace("5", "6")


def test_a_line_is_found_for_a_key_its_table_or_nothing() -> None:
    assert find_line(TEXT, ("optim", "steps")) == 7
    assert find_line(TEXT, ("optim", "batch")) == 5
    assert find_line(TEXT, ("lora", "rank")) is None


@pytest.mark.parametrize(
    "value", ['it\'s "so"\n\t\x7f é', 3, 0.00025, 1e-07, 2.0, True, ["a", 1], {"a b": 1, "c": [False]}, [], {}]
)
def test_literals_read_back_as_the_value(value: object) -> None:
    assert tomllib.loads(f"v = {to_literal(value)}")["v"] == value
