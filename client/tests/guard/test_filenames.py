"""File names: all projects that some index could read from one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold_client.guard.filenames import InvalidFilename, documentation_readings, readings
from freehold_client.names import normalize

NAMES = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?", fullmatch=True)
VERSIONS = st.from_regex(r"([0-9]!)?[0-9]{1,3}(\.[0-9]{1,3}){0,3}((a|b|rc|\.post|\.dev)[0-9])?", fullmatch=True)


@pytest.mark.parametrize(
    ("filename", "names"),
    [
        ("foo-1.0.tar.gz", {"foo"}),
        ("foo_bar-1.0.tar.gz", {"foo-bar"}),
        ("foo.bar-1.0.zip", {"foo-bar"}),
        ("Foo-Bar-1.0.tar.bz2", {"foo-bar"}),
        ("foo-bar-2-1.0.tgz", {"foo-bar", "foo-bar-2"}),
        ("foo-1-1.tar.gz", {"foo", "foo-1"}),
        ("foo-v1.0.zip", {"foo"}),
        ("foo-1.0-py3.9.egg", {"foo"}),
        ("foo-1.0+local-2.tar.gz", {"foo"}),
        ("foo_bar-1.0-py3-none-any.whl", {"foo-bar"}),
        ("foo.bar-1.0-py3-none-any.whl", {"foo-bar"}),
        ("Foo-1!1.0+l.1-2b-cp39-abi3-linux_x86_64.whl", {"foo"}),
    ],
)
def test_readings(filename: str, names: set[str]):
    assert readings(filename) == names


@pytest.mark.parametrize(
    "filename",
    ["", "foo", "foo.zip", "foo-bar.zip", "-1.0.zip", "foo--1.0.zip", "foo-.zip", "foo-1.0", "foo-1.0.exe", "a/foo-1.0.zip",
     "foo-1.0-py3-none.whl", "foo-bar-1.0-py3-none-any.whl", "foo-x-py3-none-any.whl", "foo-1.0-x-py3-none-any.whl",
     "foo-1.0.zip\n", "foo-1.0.ZIP", "foo-1.0-py3-none-any.WHL", "_foo-1.0-py3-none-any.whl", "f\u212a-1.0.zip", "x" * 252 + "-1.0.zip",
     "../foo-1.0.zip", ".foo-1.0.zip", "foo 1.0.zip", "foo%2d1.0.zip"],
)  # fmt: skip
def test_no_readings(filename: str):
    with pytest.raises(InvalidFilename):
        readings(filename)


@pytest.mark.parametrize(
    ("filename", "names"),
    [
        ("foo.zip", {"foo"}),
        ("foo.bar.zip", {"foo-bar"}),
        ("foo-1.0.zip", {"foo", "foo-1-0"}),
        ("foo-bar-1.0.doc.zip", {"foo-bar", "foo-bar-1-0"}),
    ],
)
def test_documentation(filename: str, names: set[str]):
    assert documentation_readings(filename) == names


@pytest.mark.parametrize("filename", ["foo.tar.gz", "-.zip", "../foo.zip", ".zip"])
def test_no_documentation(filename: str):
    with pytest.raises(InvalidFilename):
        documentation_readings(filename)


@given(NAMES, VERSIONS, st.sampled_from([".tar.gz", ".zip"]))
def test_a_source_distributions_name_is_among_its_readings(name: str, version: str, suffix: str):
    assert normalize(name) in readings(f"{name}-{version}{suffix}")


@given(NAMES, VERSIONS)
def test_a_wheel_has_one_reading(name: str, version: str):
    escaped = normalize(name).replace("-", "_")
    assert readings(f"{escaped}-{version}-py3-none-any.whl") == {normalize(name)}


@given(st.from_regex(r"[A-Za-z0-9._+!-]{1,40}(\.tar\.gz|\.zip|\.whl)", fullmatch=True))
def test_readings_are_prefixes(filename: str):
    """Whatever an index cuts off at a hyphen before a digit is among the readings."""
    try:
        names = readings(filename)
    except InvalidFilename:
        return
    assert all(filename.lower().replace("_", "-").replace(".", "-").startswith(name[0]) for name in names)
    assert names == {normalize(name) for name in names}
