"""A machine without Java: the demo runs on Tansu and says what that cannot do; `up`, which keeps data, refuses."""

from pathlib import Path

from support.program import Program


def no_programs(tmp_path: Path) -> str:
    """PATH of such a machine."""
    programs = tmp_path / "no-programs"
    programs.mkdir()
    return str(programs)


def test_the_demo_ends_by_itself_with_a_summary_that_names_alerts(tmp_path: Path) -> None:
    arguments = ["demo", "--customers", "25", "--speed", "3", "--duration", "14", "--keep", "--no-open"]
    with Program(arguments, tmp_path, COLUMNS="500", PATH=no_programs(tmp_path), JAVA_HOME="") as demo:
        assert demo.ends() == 0, demo.text
        text = demo.text
        demo.left_nothing()
    for warned in ("warning: Tansu, because", "Java 17", "no idempotent producer", "lag unknown"):
        assert warned in text, text
    for wanted in ("gravest open risks", "sudden drop", "churn", "score: ", "not json", "champion-"):
        assert wanted in text, text
    assert "The worker's log is kept in" in text
    (log,) = (tmp_path / ".ebbtide" / "demo").glob("*/worker.log")
    assert "Error" not in log.read_text()


def test_up_keeps_data_and_therefore_refuses(tmp_path: Path) -> None:
    with Program(["up"], tmp_path, PATH=no_programs(tmp_path), JAVA_HOME="") as up:
        assert up.ends() == 1
        assert "ebbtide: no broker that keeps its data can run here. Apache Kafka needs Java 17" in up.text
        assert "Traceback" not in up.text
        up.left_nothing()
