"""What `ebbtide demo --help` promises."""

from click.testing import CliRunner

from ebbtide.streams.cli.demo import command


def test_no_open_is_honest_about_having_nothing_to_open() -> None:
    shown = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
    assert "--no-open Open no browser. Without effect: nothing is opened yet, as the console page does not" in shown
