#!/usr/bin/env python3
"""Writes the tables of character encodings of which brume-init's agent makes UTF-8, from Python's codecs.

    encodings.py tables OUTPUT.cc      the tables (src/compute/agent/encoding_tables.h says which)
    encodings.py samples FOLDER        for the test: a file an encoding, a line a character: as encoded, tab, in UTF-8

The encodings are those of the WHATWG's Encoding Standard, by which the CloudWatch agent goes. Where Python's codec of
the same name is another one's (its EUC-JP lacks NEC's characters, its Big5 Hong Kong's), the nearest is taken.
"""
import itertools
import pathlib
import sys

# Names and codecs of those with one byte a character.
CODE_PAGES = [*((f"ibm{n}", f"cp{n}") for n in (437, 850, 852, 855, 858, 860, 862, 863, 865, 866)),
              *((f"iso-8859-{n}",) * 2 for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
              *((name, name) for name in ("koi8-r", "koi8-u")), ("macintosh", "mac_roman"),
              *((f"windows-{n}", f"cp{n}") for n in (874, *range(1250, 1259))), ("x-mac-cyrillic", "mac_cyrillic")]


# Where the Encoding Standard is younger than Python's codecs: characters that Unicode lacked when they were made.
NEWER = {
    "gb18030": {0xa3a0: "\u3000", 0xa8bc: "\u1e3f", 0x8135f437: "\ue7c7",
                **{0xa6d9 + i: chr(c) for i, c in enumerate((0xfe10, 0xfe12, 0xfe11, 0xfe13, 0xfe14, 0xfe15, 0xfe16))},
                0xa6ec: "\ufe17", 0xa6ed: "\ufe18", 0xa6f3: "\ufe19",
                **{0xfe00 + byte: chr(0x9fb4 + i)
                   for i, byte in enumerate((0x59, 0x61, 0x66, 0x67, 0x6d, 0x7e, 0x90, 0xa0))}},
    "euc_jp": {0x8fa2b7: "\uff5e"},
}


def character(encoded, codec):
    """The text of one encoded character; None if there is none."""
    newer = NEWER.get(codec, {}).get(int.from_bytes(bytes(encoded), "big"))
    if newer:
        return newer
    try:
        text = bytes(encoded).decode(codec)
    except UnicodeDecodeError:
        return None
    return text if len(text) == 1 else None


def code_page(name, codec):
    """What it lacks is U+FFFD, and in Windows' ones below 0xa0 the control character of that number."""
    controls = range(0x80, 0xa0) if name.startswith("windows") else ()
    return name, [character([byte], codec) or (chr(byte) if byte in controls else "\ufffd")
                  for byte in range(0x80, 0x100)]


def shift_jis(row, cell):
    """JIS X 0208's row and cell, from 1, as two bytes of Shift JIS."""
    lead = (row - 1) // 2
    trail = cell - 1 + (0x40 if row % 2 else 0x9f)
    return [lead + (0x81 if lead < 31 else 0xc1), trail + (row % 2 and trail >= 0x7f)]


def big5(lead, trail):
    # The symbols of the first rows are Windows'; the rest is the list with Hong Kong's supplement.
    first, second = ("cp950", "big5hkscs") if lead < 0xa4 else ("big5hkscs", "cp950")
    return character([lead, trail], first) or character([lead, trail], second)


BIG5_TRAILS = [*range(0x40, 0x7f), *range(0xa1, 0xff)]
GB_TRAILS = [*range(0x40, 0x7f), *range(0x80, 0xff)]
IBM_TRAILS = [*range(0x40, 0x7f), *range(0x80, 0xfd)]


def gb18030_ranges():
    """(linear number of the four bytes, character) wherever the two stop going side by side; character 0: a hole."""
    out = []
    for number in range(39420):
        rest, d = divmod(number, 10)
        rest, c = divmod(rest, 126)
        a, b = divmod(rest, 10)
        text = character([a + 0x81, b + 0x30, c + 0x81, d + 0x30], "gb18030")
        value = ord(text) if text else 0
        if not out or value - (number - out[-1][0] if out[-1][1] else 0) != out[-1][1]:
            out.append((number, value))
    return out


def tables():
    two_bytes = {
        "kJisX0208": [character(shift_jis(row, cell), "cp932") for row in range(1, 95) for cell in range(1, 95)],
        "kJisX0212": [character([0x8f, 0xa0 + row, 0xa0 + cell], "euc_jp")
                      for row in range(2, 78) for cell in range(1, 95)],
        "kShiftJisIbm": [character([lead, trail], "cp932") for lead in range(0xfa, 0xfd) for trail in IBM_TRAILS],
        "kBig5": [big5(lead, trail) for lead in range(0x87, 0xff) for trail in BIG5_TRAILS],
        "kEucKr": [character([lead, trail], "cp949") for lead in range(0x81, 0xff) for trail in range(0x41, 0xff)],
        "kGb18030": [character([lead, trail], "gb18030") for lead in range(0x81, 0xff) for trail in GB_TRAILS],
    }
    supplementary = [text is not None and ord(text) > 0xffff for text in two_bytes["kBig5"]]
    assert all(ord(t) >> 16 == 2 for t, s in zip(two_bytes["kBig5"], supplementary) if s)
    ranges = gb18030_ranges()

    def numbers(values):
        return ",".join(f"{value:#x}" for value in values)

    out = ['#include "compute/agent/encoding_tables.h"\n', "namespace brume::agent {"]
    for name, texts in two_bytes.items():
        values = numbers(ord(text) & 0xffff if text else 0 for text in texts)
        out.append(f"const std::uint16_t {name}[{len(texts)}] = {{{values}}};")
    bits = [sum(bit << i for i, bit in enumerate(supplementary[at:at + 8])) for at in range(0, len(supplementary), 8)]
    out.append(f"const std::uint8_t kBig5Supplementary[] = {{{numbers(bits)}}};")
    out.append(f"const Gb18030Range kGb18030Ranges[] = {{{','.join(f'{{{a:#x},{b:#x}}}' for a, b in ranges)}}};")
    out.append("std::span<const Gb18030Range> gb18030_ranges() { return kGb18030Ranges; }")
    out.append("const CodePage kCodePages[] = {")
    for name, upper in itertools.starmap(code_page, CODE_PAGES):
        out.append(f'{{"{name}", {{{numbers(map(ord, upper))}}}}},')
    out.append("};\nstd::span<const CodePage> code_pages() { return kCodePages; }\n}  // namespace brume::agent\n")
    return "\n".join(out)


def every(codec, first, *rest):
    """All characters that a codec has for bytes of these ranges, as (encoded, text)."""
    pairs = [([byte],) for byte in first]
    for more in rest:
        pairs = [(head + [byte],) for (head,) in pairs for byte in more]
    return [(bytes(head), text) for (head,) in pairs if (text := character(head, codec))]


def samples():
    """Asks the codecs once more, and otherwise than tables() does: by what they themselves make of bytes."""
    two = range(0x80, 0xff), range(0x40, 0xff)
    high = range(0xa1, 0xff)
    yield "shift_jis", [(e, t) for e, t in [*every("cp932", range(0x80, 0x100)), *every("cp932", *two)]
                        if e not in (b"\xa0", b"\xfd", b"\xfe", b"\xff") and not t.isascii()]
    # Six symbols are Windows' here, as in Shift JIS.
    windows = dict(zip("〜‖−¢£¬", "～∥－￠￡￢"))
    yield "euc-jp", [(e, windows.get(t, t) if e[0] != 0x8f else t) for e, t in
                     [*every("euc_jp", [0x8e], range(0xa1, 0xe0)), *every("euc_jp", high, high),
                      *every("euc_jp", [0x8f], high, high)]]
    yield "iso-2022-jp", [(t.encode("iso2022_jp"), windows.get(t, t)) for e, t in every("euc_jp", high, high)]
    yield "big5", [(e, t) for e, t in every("big5hkscs", *two) if not 0xa1 <= e[0] <= 0xa3]
    yield "big5", [(e, t) for e, t in every("cp950", range(0xa1, 0xa4), range(0x40, 0xff))]
    yield "euc-kr", every("cp949", *two)
    yield "gbk", every("gbk", *two)
    yield "gb18030", every("gb18030", *two)
    digits = range(0x30, 0x3a)
    yield "gb18030", every("gb18030", [*range(0x81, 0x85), 0x90, 0x95, 0xe3], digits, range(0x81, 0xff), digits)
    for name, codec in CODE_PAGES:
        yield name, every(codec, range(0x80, 0x100))


def main():
    what, where = sys.argv[1], pathlib.Path(sys.argv[2])
    if what == "tables":
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(tables(), encoding="utf-8")
        return
    where.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, pairs in samples():
        files.setdefault(name, []).extend(e + b"\t" + t.encode() + b"\n" for e, t in pairs)
    for name, lines in files.items():
        (where / name).write_bytes(b"".join(lines))


main()
