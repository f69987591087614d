"""A disk that takes so many bytes a second and no more, for one process: a small library loaded before its others."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

# Counts what is written to files and sleeps for it when it is to be made durable, as a slow disk does.
SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static atomic_long unsynced;

ssize_t write(int descriptor, const void *data, size_t size) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    ssize_t written = real(descriptor, data, size);
    struct stat found;
    if (written > 0 && fstat(descriptor, &found) == 0 && S_ISREG(found.st_mode)) atomic_fetch_add(&unsynced, written);
    return written;
}

int fdatasync(int descriptor) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    double seconds = atomic_exchange(&unsynced, 0) / atof(getenv("SLOW_DISK_BYTES_A_SECOND"));
    struct timespec pause = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
    while (nanosleep(&pause, &pause) != 0) {}
    return real(descriptor);
}
"""


def slow_disk(folder: Path, bytes_a_second: int) -> dict[str, str]:
    """The environment of a process with such a disk. Without a C compiler the test is skipped, and fails under CI."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        message = "a C compiler is missing: install gcc to run the tests with a slow disk"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    source, library = folder / "slow_disk.c", folder / "slow_disk.so"
    source.write_text(SOURCE)
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library), "SLOW_DISK_BYTES_A_SECOND": str(bytes_a_second)}
