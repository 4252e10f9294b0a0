"""What no line of ours may do, beyond what the linter knows: SQL out of text, shells, loaders.

And what the audit of dependencies makes of the answers it gets.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.audit import UnreachableError, node_faults, python_faults

CHECKOUT = Path(__file__).resolve().parents[1]
ROOMS = ("cti", "ivr", "service_desk", "agent_console", "config", "bench")
SQL_CALLS = {"text", "exec_driver_sql", "executescript"}
FORBIDDEN_CALLS = {
    "os.system": "a shell",
    "os.popen": "a shell",
    "subprocess.getoutput": "a shell",
    "asyncio.create_subprocess_shell": "a shell",
    "eval": "a program out of text",
    "exec": "a program out of text",
    "pickle.load": "a program out of bytes",
    "pickle.loads": "a program out of bytes",
    "marshal.loads": "a program out of bytes",
    "shelve.open": "a program out of bytes",
    "yaml.load": "a program out of YAML: yaml.safe_load, or a loader of ours",
    "yaml.unsafe_load": "a program out of YAML",
    "yaml.full_load": "a program out of YAML",
    "tempfile.mktemp": "a name that somebody else may take",
    "ssl._create_unverified_context": "a certificate that nobody looks at",
}
# Where SQL is no literal, and why it holds nothing from outside.
ALLOWED = {
    "service_desk/bulk.py": "made-up rows for measuring, out of literals of this file",
    "service_desk/direct_sql.py": "compiled by SQLAlchemy, values bound",
    "agent_console/render.py": "not SQL: a page's text",
}
TEMPLATES = re.compile(r"\|\s*safe\b|autoescape\s+false")
SCRIPTS = re.compile(r"\bunsafeHTML\b|\binnerHTML\b|\bouterHTML\b|\beval\(|document\.write")


def name_of(call: ast.Call) -> str:
    """`a.b` for a call of `a.b(...)`."""
    found = call.func
    if isinstance(found, ast.Attribute) and isinstance(found.value, ast.Name):
        return f"{found.value.id}.{found.attr}"
    return found.attr if isinstance(found, ast.Attribute) else getattr(found, "id", "")


def breaches(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Each line that breaks a rule, and how."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = name_of(node)
        if name in FORBIDDEN_CALLS:
            yield node.lineno, f"{name}: {FORBIDDEN_CALLS[name]}"
        if name.rpartition(".")[2] in SQL_CALLS and node.args and not is_literal(node.args[0]):
            yield node.lineno, f"{name}: SQL that is no literal"
        for keyword in node.keywords:
            if keyword.arg == "shell" and getattr(keyword.value, "value", True) is not False:
                yield node.lineno, f"{name}: shell="


def is_literal(node: ast.expr) -> bool:
    """Text as it stands, put together of literals or named by a constant in capitals."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Name):
        return node.id.isupper()
    return isinstance(node, ast.BinOp) and is_literal(node.left) and is_literal(node.right)


def ours(rooms: tuple[str, ...], suffix: str) -> Iterator[Path]:
    """The files of these rooms that we wrote."""
    for room in rooms:
        for file in sorted((CHECKOUT / room).rglob(f"*{suffix}")):
            if not {"node_modules", "built"} & set(file.parts):
                yield file


def test_no_line_of_ours_breaks_a_rule() -> None:
    found, excused = [], set()
    for file in ours(ROOMS, ".py"):
        name = str(file.relative_to(CHECKOUT))
        for line, how in breaches(ast.parse(file.read_text())):
            if how.endswith("SQL that is no literal") and name in ALLOWED:
                excused.add(name)
            else:
                found.append(f"{name}:{line}: {how}")
    assert found == []
    assert excused == set(ALLOWED), "an excuse that nobody needs any more"


def test_no_page_shows_text_as_markup() -> None:
    templates = ours(("agent_console/templates",), ".html")
    scripts = ours(("agent_console/static",), ".ts")
    assert [f.name for f in templates if TEMPLATES.search(f.read_text())] == []
    assert [f.name for f in scripts if SCRIPTS.search(f.read_text())] == []


@pytest.mark.parametrize(
    ("line", "how"),
    [
        ('text(f"SELECT {name}")', "SQL"),
        ('connection.execute(text("a" + name))', "SQL"),
        ('connection.exec_driver_sql("a %s" % name)', "SQL"),
        ("os.system(name)", "a shell"),
        ("subprocess.run(name, shell=True)", "shell="),
        ("pickle.loads(data)", "a program"),
        ("yaml.load(data)", "a program"),
        ("eval(name)", "a program"),
    ],
)
def test_a_broken_rule_is_found(line: str, how: str) -> None:
    assert [how in said for _, said in breaches(ast.parse(line))] == [True]


@pytest.mark.parametrize(
    "line", ['text("SELECT 1")', "text(SQL)", "subprocess.run([a], shell=False)", 'text("a" "b")']
)
def test_what_is_right_is_let_alone(line: str) -> None:
    assert list(breaches(ast.parse(line))) == []


def test_the_audit_tells_known_faults_and_a_list_that_is_away() -> None:
    bad = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}]}
    assert python_faults("x.lock", [bad, {"name": "b", "version": "2", "vulns": []}]) == [
        "x.lock: a 1: CVE-1"
    ]
    with pytest.raises(UnreachableError, match="knows none of 1"):
        python_faults("x.lock", [{"name": "a", "skip_reason": "not found"}])
    told = {"vulnerabilities": {"a": {"severity": "high"}, "b": {"severity": "info"}}}
    assert node_faults(told) == ["package-lock.json: a: high"]
    with pytest.raises(UnreachableError):
        node_faults({"error": "405"})
