"""A few facts stand on both sides of a border that no import may cross. They are the same on both."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from void_engine import caches, mattes, quadmask, shares
from void_engine.diffusion.model import folder
from void_engine.engines import registry
from void_engine.engines.info import EngineInfo
from void_engine.plates.exr import file as exr_file
from void_engine.plates.frame.proxy import divisor_of
from void_nuke.batch import farm_order
from void_protocol import engines, fields, job
from void_server.farm.targets import FarmName
from void_server.settings import server_settings

NAMES = ("void", "a", "flat-2_b", "x" * 32, "x" * 33, "", "Void", "2d", "_a", "a b", "a\n", "é")


def test_the_panel_offers_the_farms_of_the_command() -> None:
    # A bundle for Kubernetes needs an image and a volume, which only the command asks for.
    assert list(farm_order.TARGETS) == [farm.value for farm in FarmName if farm is not FarmName.KUBERNETES]


def test_a_job_names_the_compressions_that_can_be_written() -> None:
    assert get_args(job.Compression) == exr_file.COMPRESSIONS


def test_a_matte_has_the_roles_that_a_job_may_give() -> None:
    assert get_args(job.Role) == get_args(mattes.MatteRole)


def test_a_job_may_ask_for_scales_that_there_are() -> None:
    assert [1 / divisor_of(scale) for scale in job.PROXY_SCALES] == list(job.PROXY_SCALES)


def test_auto_is_the_same_word() -> None:
    assert engines.AUTO == registry.AUTO


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_may_have_the_names_that_a_job_may_say(name: str) -> None:
    def a_job_may_say_it() -> bool:
        try:
            msgspec.convert(name, fields.EngineName)
        except msgspec.ValidationError:
            return False
        return True

    def an_engine_may_have_it() -> bool:
        try:
            EngineInfo(name=name, title="Toy", factory="toy:Toy")
        except ValueError:
            return False
        return True

    assert a_job_may_say_it() == an_engine_may_have_it()


def test_the_folder_of_models_has_one_variable() -> None:
    assert server_settings.MODELS_VARIABLE == folder.MODELS_VARIABLE


def test_the_folder_of_caches_has_one_variable() -> None:
    pytest.importorskip("torch")

    assert server_settings.CACHE_VARIABLE == caches.CACHE_VARIABLE


def test_the_panel_draws_the_levels_of_the_quadmask() -> None:
    pytest.importorskip("PySide6")
    from void_nuke.ui import region_view

    drawn = (region_view.REMOVE, region_view.OVERLAP, region_view.AFFECTED, region_view.KEEP)
    assert drawn == (quadmask.REMOVE, quadmask.OVERLAP, quadmask.AFFECTED, quadmask.KEEP)


def test_much_is_invented_from_the_same_share_on() -> None:
    assert fields.MUCH_INVENTED == shares.MUCH_INVENTED
