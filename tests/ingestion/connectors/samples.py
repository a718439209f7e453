"""Where the real files of other systems lie; tests that need them are left out, in a sentence, where they do not."""

from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples"


def sample(*parts: str) -> Path:
    """A file or folder of the samples; skips the test where the samples are not at hand."""
    path = SAMPLES.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the sample {'/'.join(parts)} is not beside the repository (../shared/samples)")
    return path
