"""What a GPU has room for: the arithmetic by numbers, and nvidia-smi by a program of that name."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BusyError, ModelError
from engine.records.recipe import Load
from engine.serve.memory import (
    Claim,
    Gpu,
    choose_gpu,
    estimate_growth,
    find_claims,
    find_room,
    find_share,
    parse_gpus,
    read_gpus,
    refuse_too_large,
    select_visible,
    size_server,
    weigh_model,
)
from engine.store.paths import Workspace

TWO = [Gpu(0, "GPU-aa11", 1000, 24000), Gpu(1, "GPU-bb22", 20000, 24000)]


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a program of that name first on the PATH: nvidia_smi("0, GPU-aa, 20000, 24000")."""

    def write(answer: str, code: int = 0) -> None:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        program = folder / "nvidia-smi"
        program.write_text(f"#!/bin/sh\necho \"$@\" > {folder}/asked\ncat <<'END'\n{answer}\nEND\nexit {code}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return write


def test_what_nvidia_smi_says_is_read(nvidia_smi: Any, tmp_path: Path) -> None:
    nvidia_smi("0, GPU-aa11, 1000, 24000\n1, GPU-bb22, 20000, 24000")
    assert read_gpus() == TWO
    assert (tmp_path / "bin" / "asked").read_text() == (
        "--query-gpu=index,uuid,memory.free,memory.total --format=csv,noheader,nounits\n"
    )


def test_no_gpu_is_seen_where_the_driver_does_not_answer(
    nvidia_smi: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nvidia_smi("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", code=9)
    assert read_gpus() == []
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert read_gpus() == []


def test_a_gpu_that_tells_no_memory_is_left_out() -> None:
    assert parse_gpus("0, GPU-cc, [N/A], [N/A]\n1, GPU-bb22, 20000, 24000\n") == TWO[1:]


@pytest.mark.parametrize(
    ("named", "numbers"),
    [
        (None, [0, 1]), ("1", [1]), ("1,0", [1, 0]), ("GPU-bb", [1]), ("", []), ("-1", []), ("0,7,1", [0]),
        ("MIG-1234", []), ("10", []),
    ],
)  # fmt: skip
def test_only_those_are_seen_that_cuda_would_see(named: str | None, numbers: list[int]) -> None:
    assert [g.number for g in select_visible(TWO, named)] == numbers


def test_the_gpu_with_the_most_room_is_chosen_and_cuda_is_shown_it_alone() -> None:
    assert choose_gpu(TWO).to_environment() == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "1"}
    assert choose_gpu([Gpu(1, "b", 5, 9), Gpu(0, "a", 5, 9)]).number == 0


def test_the_share_is_what_is_free_less_what_is_kept_and_is_never_rounded_up() -> None:
    assert find_room(TWO[1], []) == 18976
    assert find_share(18976, 24000) == 0.79
    assert find_room(TWO[1], [Claim("ada", 4000), Claim("bob", 2500)]) == 12476
    assert find_share(12476, 24000) == 0.51
    assert find_share(23999, 24000) == 0.9
    assert find_room(TWO[0], []) == 0


def test_a_training_may_grow_by_its_longest_rows_until_all_were_seen() -> None:
    # 6000 MiB of activations at 400 tokens are 12000 at 800, and a tenth of the new peak is for fragments
    assert estimate_growth(10000, 4000, longest=800, median=400, epoch=0.4) == pytest.approx(6000 + 1600)
    assert estimate_growth(10000, 4000, longest=800, median=400, epoch=1.0) == pytest.approx(1000)
    assert estimate_growth(10000, 4000, longest=400, median=400, epoch=0.0) == pytest.approx(1000)


def test_a_model_weighs_what_its_files_hold_in_the_type_that_it_is_loaded_in(tmp_path: Path) -> None:
    for name in ("model-00001-of-00002", "model-00002-of-00002", "consolidated"):
        with open(tmp_path / f"{name}.safetensors", "wb") as file:
            file.truncate(500 * 2**20)
    (tmp_path / "config.json").write_text('{"torch_dtype": "bfloat16"}')
    assert weigh_model(tmp_path, Load()) == pytest.approx(1100)
    assert weigh_model(tmp_path, Load(dtype="fp32")) == pytest.approx(2200)
    assert weigh_model(tmp_path, Load(quantize="nf4")) == pytest.approx(302.5)
    (tmp_path / "config.json").write_text('{"text_config": {"dtype": "float32"}}')
    assert weigh_model(tmp_path, Load()) == pytest.approx(550)


def test_a_model_that_does_not_fit_is_refused_with_the_numbers() -> None:
    claims = [Claim("20260101-0900-ada-1a2b", 6144)]
    refuse_too_large("./m", 12832, 12832, TWO[1], claims)
    with pytest.raises(ModelError) as caught:
        refuse_too_large("./m", 15360, 12832, TWO[1], claims)
    assert caught.value.message == (
        "./m needs 15.0 GiB of GPU 1 once loaded, and may take 12.5 GiB: 19.5 GiB of 23.4 GiB are free, "
        "1.0 GiB go to CUDA itself, 6.0 GiB are kept for run 20260101-0900-ada-1a2b that trains"
    )
    assert "nvidia-smi" in caught.value.fix


def start_training(paths: Any, values: list[dict[str, float]]) -> None:
    """Make a laid-out run one that was launched just now and has written these rows."""
    launch = json.loads(paths.launch.read_text())
    paths.launch.write_text(json.dumps({**launch, "time": time.time()}))
    rows = [{"attempt": 1, "step": n, "time": time.time(), "values": v, "nonfinite": []} for n, v in enumerate(values)]
    paths.metrics.write_text("".join(json.dumps(r) + "\n" for r in rows))


def test_a_live_training_keeps_what_it_may_still_take(
    workspace: Workspace, write_run: Any, live: Any, nvidia_smi: Any
) -> None:
    assert find_claims(workspace) == []
    base = {"reference": "base", "source": "base", "revision": None, "parameters": 2**30, "adapter_sha256": None,
            "lineage": []}  # fmt: skip
    plan = {"tokens_longest": 600, "tokens_median": 300, "truncated": [], "left_out": {}}
    paths = write_run("20260101-0900-ada-1a2b", process=live.pid, base=base, plan=plan)
    start_training(paths, [{"seconds_per_step": 1.0, "epoch": 0.1, "device_mb": 5048.0}, {"break_rate": 0.0}])
    # the weights are 2048 MiB of bf16
    assert find_claims(workspace) == [Claim("20260101-0900-ada-1a2b", pytest.approx(3000 + 804.8))]
    nvidia_smi("0, GPU-bb22, 20000, 24000")
    sized = size_server("./m", 15120, workspace)
    assert sized is not None
    assert (sized[0].uuid, sized[1]) == ("GPU-bb22", 0.63)  # 15171 of 24000 MiB
    with pytest.raises(ModelError, match="kept for run 20260101-0900-ada-1a2b"):
        size_server("./m", 15121, workspace)


def test_a_training_on_a_cpu_keeps_nothing_and_one_that_starts_has_to_be_awaited(
    workspace: Workspace, write_run: Any, live: Any
) -> None:
    paths = write_run("20260101-0900-ada-1a2b", process=live.pid)
    start_training(paths, [{"seconds_per_step": 1.0, "epoch": 0.1}])
    assert find_claims(workspace) == []
    start_training(paths, [])
    with pytest.raises(BusyError, match="is starting") as caught:
        find_claims(workspace)
    assert "first step" in caught.value.fix
