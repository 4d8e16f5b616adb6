"""Flame graphs of what `perf script` prints."""

import io
import xml.etree.ElementTree as ElementTree

import flame_graph

SCRIPT = """\
shoal_bench
\t    55d0 shoal::(anonymous namespace)::nearest<int>(shoal::Id const&)+0x1f (/b/shoal_bench)
\t    55c0 shoal::RoutingTable::closest(shoal::Id const&)+0x2 (/b/shoal_bench)
\t    55b0 main (/b/shoal_bench)

shoal_bench
\t    7f00 memcpy@GLIBC_2.14 (/usr/lib/x86_64-linux-gnu/libc.so.6)
\t    55b0 main (/b/shoal_bench)

shoal_bench
\tffffff00 do_syscall_64 ([kernel.kallsyms])
\t    55b0 main (/b/shoal_bench)

shoal_bench
\t    55b0 main (/b/shoal_bench)
"""


def test_stacks_are_added_up_from_the_outermost_function():
    root = flame_graph.read_stacks(SCRIPT.splitlines(keepends=True))
    assert root.samples == 4
    (main,) = root.below.values()
    assert main.samples == 4
    assert [(name, role, box.samples) for (name, role), box in main.below.items()] == [
        ("shoal::RoutingTable::closest(shoal::Id const&)", "c1", 1),
        ("memcpy@GLIBC_2.14", "c2", 1),
        ("do_syscall_64", "c4", 1),
    ]


def test_a_box_is_as_wide_as_its_share_and_says_its_whole_name(
    tmp_path, monkeypatch, capsys
):
    out = tmp_path / "graph.svg"
    monkeypatch.setattr("sys.stdin", io.StringIO(SCRIPT))
    assert flame_graph.main(["--title", "a < b", "--out", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    space = "{http://www.w3.org/2000/svg}"
    drawing = ElementTree.parse(out).getroot()
    boxes = {
        group.find(f"{space}title").text: group.find(f"{space}rect").attrib
        for group in drawing.iter(f"{space}g")
    }
    whole, quarter = boxes["main: 100.00 %"], boxes["do_syscall_64: 25.00 %"]
    # A gap of half a pixel stands between boxes.
    assert abs(4 * (float(quarter["width"]) + 0.5) - float(whole["width"]) - 0.5) < 0.5
    assert float(quarter["y"]) < float(whole["y"])


def test_names_are_short_in_boxes():
    assert (
        flame_graph.short_name("shoal::(anonymous namespace)::nearest<int>(Id const&)")
        == "nearest"
    )
    assert (
        flame_graph.short_name("void std::sort<It<int>, Less>(It<int>, It<int>)")
        == "std::sort"
    )
    assert flame_graph.short_name("memcpy@GLIBC_2.14") == "memcpy@GLIBC_2.14"


def test_without_samples_nothing_is_drawn(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert flame_graph.main(["--out", str(tmp_path / "graph.svg")]) == 2
    assert "no sample" in capsys.readouterr().err
    assert not (tmp_path / "graph.svg").exists()
