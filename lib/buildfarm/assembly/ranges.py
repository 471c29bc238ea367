"""What a number in the configuration may be, and what one number asks of another.

Layer 6. The bounds keep out values that cannot work (no threads, a deadline of zero) or that are
certainly a mistake of unit; they are no advice. `configs/production.toml` explains each key.
Tests: tests/unit/assembly/test_settings.py.
"""

from collections.abc import Iterator

from buildfarm.vocab.settings import Settings

_KIB = 1024
_MIB = 1024 * _KIB
_TIB = _MIB * _MIB
_DAY = 86_400.0

#: (section, key) → (least, most), both allowed. Bytes and seconds.
RANGES: dict[tuple[str, str], tuple[float, float]] = {
    ("manager", "database_threads"): (1, 64),
    ("manager", "file_threads"): (1, 64),
    ("manager", "min_free_bytes"): (0, _TIB),
    ("manager", "switch_interval"): (0.0001, 0.1),
    ("files", "min_rate"): (_KIB, _TIB),
    ("files", "max_downloads"): (1, 100_000),
    ("web", "session_lasts"): (60.0, 366 * _DAY),
    ("web", "max_upload"): (_MIB, _TIB),
    ("web", "max_uploads"): (1, 1000),
    ("scanning", "cpu_share"): (0.01, 0.9),
    ("scanning", "idle_interval"): (0.1, 3600.0),
    ("scanning", "call_timeout"): (0.1, 600.0),
    ("scanning", "build_timeout"): (0.1, 600.0),
    ("scanning", "connect_timeout"): (0.1, 600.0),
    ("scanning", "build_deadline"): (1.0, 60 * _DAY),
    ("scanning", "abort_deadline"): (0.1, _DAY),
    ("scanning", "failures_to_count"): (1, 1000),
    ("scanning", "failure_span"): (0.0, _DAY),
    ("scanning", "tail_interval"): (0.1, 3600.0),
    ("resets", "deadline"): (0.1, _DAY),
    ("resets", "cleaning_deadline"): (0.1, _DAY),
    ("resets", "per_vm_host"): (1, 1000),
    ("resets", "max_output"): (_KIB, 16 * _MIB),
    ("gather", "max_file_bytes"): (1, _TIB),
    ("gather", "max_total_bytes"): (1, _TIB),
    ("gather", "max_files"): (1, 100_000),
    ("gather", "max_log_bytes"): (_KIB, _TIB),
    ("gather", "max_spool_bytes"): (1, _TIB),
    ("gather", "min_rate"): (_KIB, _TIB),
    ("gather", "concurrent"): (1, 1000),
    ("uploads", "threads"): (1, 256),
    ("uploads", "deadline"): (0.1, _DAY),
    ("uploads", "check_deadline"): (0.1, _DAY),
    ("uploads", "check_memory"): (64 * _MIB, _TIB),
    ("uploads", "first_retry"): (0.01, _DAY),
    ("uploads", "longest_retry"): (0.01, _DAY),
    ("uploads", "max_tries"): (1, 100_000),
    ("retention", "events"): (_DAY, 36_500 * _DAY),
    ("retention", "results"): (_DAY, 36_500 * _DAY),
    ("retention", "logs"): (_DAY, 36_500 * _DAY),
    ("retention", "sources"): (_DAY, 36_500 * _DAY),
    ("retention", "news"): (_DAY, 36_500 * _DAY),
    ("retention", "files"): (0.0, 36_500 * _DAY),
    ("retention", "tokens"): (_DAY, 36_500 * _DAY),
    ("retention", "unused_tokens"): (_DAY, 36_500 * _DAY),
    ("notifications", "first_retry"): (0.01, _DAY),
    ("notifications", "longest_retry"): (0.01, _DAY),
    ("notifications", "give_up"): (1.0, 365 * _DAY),
    ("mail", "port"): (1, 65_535),
    ("mail", "gather"): (0.01, _DAY),
    ("mail", "interval"): (0.0, _DAY),
    ("mail", "deadline"): (0.1, 3600.0),
    ("webhooks", "deadline"): (0.1, 600.0),
    ("depwait", "interval"): (0.1, 30 * _DAY),
    ("depwait", "deadline"): (0.1, 3600.0),
    ("depwait", "max_index_bytes"): (_KIB, _TIB),
    ("depwait", "first_retry"): (0.01, 30 * _DAY),
    ("depwait", "max_tries"): (0, 100_000),
}

#: Pairs of keys of one section of which the first may not be larger than the second.
_ASCENDING = (
    ("gather", "max_file_bytes", "max_total_bytes"),
    ("gather", "max_total_bytes", "max_spool_bytes"),
    ("uploads", "first_retry", "longest_retry"),
    ("notifications", "first_retry", "longest_retry"),
)


def number_faults(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """(section, key, what is wrong and what is allowed) for every number that cannot be used."""
    for (name, key), (least, most) in RANGES.items():
        section = getattr(settings, name)
        for values in section if isinstance(section, tuple) else (section,):
            value = getattr(values, key)
            if not least <= value <= most:  # a NaN is not between them either
                yield name, key, f"{value} is not between {least} and {most}"
    for name, smaller, larger in _ASCENDING:
        section = getattr(settings, name)
        low, high = getattr(section, smaller), getattr(section, larger)
        if low > high:
            yield name, smaller, f"{low} is more than {larger}, which is {high}"
