"""Turn `records.toml` into the C++ of every record and its reflection.

Run by CMake: `generate.py records.toml OUT_DIR` writes `OUT_DIR/pitwire/records.hpp`
(enumerations, structs with asserted layout) and `OUT_DIR/pitwire/reflection.hpp` (the same as
constexpr tables, which the Python binding and the documentation read).
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

SCALARS = {
    "u8": ("std::uint8_t", 1),
    "u16": ("std::uint16_t", 2),
    "u32": ("std::uint32_t", 4),
    "u64": ("std::uint64_t", 8),
    "i64": ("std::int64_t", 8),
    "f64": ("double", 8),
}
CLASSES = ("structure", "input", "output", "observation")


def size_bytes(kind: str) -> int:
    """Size of one field; `bN` is N raw bytes."""
    if kind in SCALARS:
        return SCALARS[kind][1]
    if re.fullmatch(r"b\d+", kind):
        return int(kind[1:])
    raise SystemExit(f"records.toml: unknown field type {kind!r}")


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def enum_cpp(name: str, spec: dict[str, Any]) -> str:
    values = ", ".join(f"{key} = {number}" for key, number in spec["values"].items())
    wide = max(spec["values"].values()) > 255
    return (
        f"/// {spec['doc']}\nenum class {name} : std::uint{16 if wide else 8}_t {{ {values} }};\n"
    )


def offsets(name: str, fields: list[list[str]]) -> list[int]:
    """Offset of every field, refusing holes: layouts must say their padding."""
    out, at = [], 0
    for field, kind, _doc in fields:
        size = size_bytes(kind)
        alignment = size if kind in SCALARS else 1
        if at % alignment:
            raise SystemExit(f"records.toml: {name}.{field} at offset {at} needs padding before it")
        out.append(at)
        at += size
    if at % 8:
        raise SystemExit(f"records.toml: {name} has {at} bytes, expected a multiple of 8")
    return out


def record_cpp(name: str, spec: dict[str, Any]) -> str:
    fields = spec["fields"]
    at = offsets(name, fields)
    lines = [f"/// {spec['doc']}", f"struct {camel(name)} {{"]
    for field, kind, doc in fields:
        comment = f"  ///< {doc}" if doc else ""
        if kind in SCALARS:
            lines.append(f"  {SCALARS[kind][0]} {field}{{}};{comment}")
        else:
            lines.append(f"  std::array<char, {size_bytes(kind)}> {field}{{}};{comment}")
    lines.append(f"  static constexpr RecordType kType = RecordType::{name};")
    lines.append(f"  static constexpr FrameClass kClass = FrameClass::{spec['class'].upper()};")
    lines.append("};")
    total = at[-1] + size_bytes(fields[-1][1]) if fields else 1
    lines.append(f"static_assert(sizeof({camel(name)}) == {total});")
    lines += [
        f"static_assert(offsetof({camel(name)}, {f[0]}) == {o});"
        for f, o in zip(fields, at, strict=False)
    ]
    return "\n".join(lines) + "\n"


def records_header(schema: dict[str, Any]) -> str:
    records = schema["record"]
    check_numbers(records)
    types = ", ".join(f"{name} = {spec['number']}" for name, spec in records.items())
    return "\n".join(
        [
            "// Made by native/schema/generate.py from records.toml.",
            "#pragma once\n#include <array>\n#include <cstddef>\n#include <cstdint>\n",
            "namespace pitwire {\n",
            *(enum_cpp(name, spec) for name, spec in schema["enum"].items()),
            "/// The number of a record in a frame's header.\n"
            f"enum class RecordType : std::uint16_t {{ {types} }};\n",
            "namespace rec {\n",
            *(record_cpp(name, spec) for name, spec in records.items()),
            "}  // namespace rec\n}  // namespace pitwire\n",
        ]
    )


def check_numbers(records: dict[str, Any]) -> None:
    seen: dict[int, str] = {}
    for name, spec in records.items():
        if spec["class"] not in CLASSES:
            raise SystemExit(f"records.toml: {name} has unknown class {spec['class']!r}")
        other = seen.setdefault(spec["number"], name)
        if other != name:
            raise SystemExit(f"records.toml: {name} and {other} share number {spec['number']}")


def reflection_header(schema: dict[str, Any]) -> str:
    lines = [
        "// Made by native/schema/generate.py from records.toml.",
        "#pragma once\n#include <cstddef>\n#include <span>\n#include <string_view>\n",
        '#include "pitwire/records.hpp"\n',
        "namespace pitwire::reflection {\n",
        "struct Field { std::string_view name, kind, doc; std::size_t offset; };",
        "struct Record { std::string_view name, doc, tail; RecordType type; FrameClass frame_class;"
        " std::size_t size_bytes; std::span<const Field> fields; };",
        "struct Value { std::string_view name; int number; };",
        "struct Enum { std::string_view name, doc; std::span<const Value> values; };\n",
    ]
    rows = []
    for name, spec in schema["record"].items():
        fields = spec["fields"]
        at = offsets(name, fields)
        size = at[-1] + size_bytes(fields[-1][1]) if fields else 0
        span = "{}"
        if fields:
            body = ", ".join(
                f"{{{quoted(f)}, {quoted(k)}, {quoted(d)}, {o}}}"
                for (f, k, d), o in zip(fields, at, strict=False)
            )
            lines.append(f"inline constexpr Field k{camel(name)}Fields[] = {{{body}}};")
            span = f"k{camel(name)}Fields"
        rows.append(
            f"    {{{quoted(name)}, {quoted(spec['doc'])}, {quoted(spec.get('tail', ''))}, "
            f"RecordType::{name}, FrameClass::{spec['class'].upper()}, {size}, {span}}},"
        )
    lines += ["inline constexpr Record kRecords[] = {", *rows, "};\n"]
    enums = []
    for name, spec in schema["enum"].items():
        body = ", ".join(f"{{{quoted(k)}, {n}}}" for k, n in spec["values"].items())
        lines.append(f"inline constexpr Value k{name}Values[] = {{{body}}};")
        enums.append(f"    {{{quoted(name)}, {quoted(spec['doc'])}, k{name}Values}},")
    lines += [
        "inline constexpr Enum kEnums[] = {",
        *enums,
        "};\n",
        "}  // namespace pitwire::reflection\n",
    ]
    return "\n".join(lines)


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit("usage: generate.py records.toml OUT_DIR")
    schema = tomllib.loads(Path(sys.argv[1]).read_text())
    folder = Path(sys.argv[2]) / "pitwire"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "records.hpp").write_text(records_header(schema))
    (folder / "reflection.hpp").write_text(reflection_header(schema))


if __name__ == "__main__":
    main()
