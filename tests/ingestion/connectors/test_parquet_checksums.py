"""Page checksums of Parquet files, checked by us."""

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.connectors.parquet_checksums import DamagedPage, check_pages


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "deals.parquet"
    table = pa.table({"id": range(20_000), "comment": [f"row {n % 700}" for n in range(20_000)]})
    pq.write_table(table, path, write_page_checksum=True, data_page_size=4096, row_group_size=7000)
    return path


def test_a_whole_file_passes(written: Path) -> None:
    check_pages(written, pq.ParquetFile(written).metadata)


def test_a_single_flipped_bit_of_any_page_is_found(written: Path) -> None:
    metadata, whole, rng = pq.ParquetFile(written).metadata, written.read_bytes(), random.Random(3)
    column = metadata.row_group(1).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    found = 0
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[start + rng.randrange(column.total_compressed_size)] ^= 1 << rng.randrange(8)
        written.write_bytes(damaged)
        try:
            check_pages(written, metadata)
        except DamagedPage:
            found += 1
    assert found >= 55  # a bit of a header that says nothing of the page (a statistic) changes no row


def test_a_file_without_checksums_passes(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": range(100)}), tmp_path / "plain.parquet")
    check_pages(tmp_path / "plain.parquet", pq.ParquetFile(tmp_path / "plain.parquet").metadata)
