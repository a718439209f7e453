"""One writer at a time; a dead holder frees the slot."""

import os
import signal
import subprocess
import sys
import time

import pytest

from warehouse.settings import PROJECT, Settings
from warehouse.slot import SlotTaken, writer_slot

HOLDER = """
import sys, time
from warehouse.settings import Settings
from warehouse.slot import writer_slot
with writer_slot(Settings(), "a long build"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(home: Settings):
    environment = {**os.environ, "DAYBOOK_HOME": str(home.root)}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER], env=environment, cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_writer_is_told_who_holds_the_slot(home: Settings, holder: subprocess.Popen):
    waited: list[str] = []
    impatient = home.model_copy(update={"lock_wait_seconds": 0.3})
    said = pytest.raises(SlotTaken, match=rf"written by process {holder.pid} \(a long build, since ")
    with said, writer_slot(impatient, "test", waited.append):
        pass
    assert waited and str(holder.pid) in waited[0]


def test_a_killed_holder_frees_the_slot(home: Settings, holder: subprocess.Popen):
    holder.send_signal(signal.SIGKILL)
    started = time.monotonic()
    with writer_slot(home, "test"):
        assert time.monotonic() - started < home.lock_wait_seconds
