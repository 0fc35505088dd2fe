"""Every example of a docstring is run: what pytest collects is what the sources hold."""

import doctest

import pytest

from tools.doctests import written
from tools.isolation import ROOT
from tools.trust import collected


def test_pytest_runs_every_example_of_the_package():
    inside = {test.partition("::")[2] for test in collected("spinlib")}
    assert inside == written(ROOT / "spinlib")
    assert len(inside) > 250


def test_no_example_is_skipped():
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "spinlib").rglob("*.py")]
    examples = [example for text in texts for example in doctest.DocTestParser().get_examples(text)]
    assert len(examples) > 500
    assert not [example.source for example in examples if doctest.SKIP in example.options]


@pytest.mark.parametrize("hidden", ["if True:\n    pass\n", "def f():\n    def g():\n        '''>>> 1'''\n"])
def test_sources_are_read_as_doctest_sees_them(tmp_path, hidden):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "room.py").write_text(
        f"'''>>> 0\n0\n'''\nclass A:\n    '''None.'''\n    def b(self):\n        '''>>> 1\n        1\n'''\n{hidden}"
    )
    assert written(package) == {"package.room", "package.room.A.b"}
