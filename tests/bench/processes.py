"""What the kernel says of the processes of a server: memory and CPU time, out of /proc. For run_start and run_scaling."""

import array
import mmap
import os
from pathlib import Path

PAGE = mmap.PAGESIZE
PRESENT = 1 << 63  # of an entry of pagemap, the kernel's Documentation/admin-guide/mm/pagemap.rst
FRAME = (1 << 55) - 1  # 0 for who may not see it (CAP_SYS_ADMIN)


class Mapping:
    """A line of /proc/PID/maps."""

    def __init__(self, line):
        words = line.split(maxsplit=5)
        self.begin, self.end = (int(word, 16) for word in words[0].split("-"))
        self.writable, self.shared = words[1][1] == "w", words[1][3] == "s"
        self.offset, self.file = int(words[2], 16), (words[3], int(words[4]))  # its device and inode
        self.name = words[5].strip() if len(words) == 6 else ""

    def places(self):
        """The pages of the file that are mapped: the same for all who map them."""
        first = self.offset // PAGE
        return ((*self.file, first + page) for page in range((self.end - self.begin) // PAGE))


def name_of(pid):
    return Path(f"/proc/{pid}/comm").read_text().strip()


def tree(pid):
    """`pid` and its descendants; those that end meanwhile are left out."""
    found = [pid]
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                found += tree(int(child))
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def mappings(pid):
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return [mapping for mapping in map(Mapping, lines) if mapping.name not in ("[vsyscall]", "[vdso]", "[vvar]")]


def pages(pid, of_mappings):
    """(mapping, entries of pagemap) for each mapping."""
    with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as file:
        for mapping in of_mappings:
            entries = array.array("Q")
            size = (mapping.end - mapping.begin) // PAGE
            entries.frombytes(os.pread(file.fileno(), size * entries.itemsize, mapping.begin // PAGE * entries.itemsize))
            yield mapping, entries


def resident(pids):
    """Bytes that the processes have in memory, each page once, however many map it; None for who may not see it."""
    frames = set()
    for pid in pids:
        for _, entries in pages(pid, mappings(pid)):
            frames.update(entry & FRAME for entry in entries if entry & PRESENT)
    return None if frames == {0} else len(frames) * PAGE


def contents(pid, of_mappings):
    """{place: bytes} of the pages that the process has touched."""
    found = {}
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as file:
        for mapping, entries in pages(pid, of_mappings):
            for place, entry, at in zip(mapping.places(), entries, range(mapping.begin, mapping.end, PAGE)):
                if entry & PRESENT:
                    found[place] = os.pread(file.fileno(), PAGE, at)
    return found


def rollup(pid, *fields):
    """Fields of smaps_rollup ("Pss", "Rss"), in bytes."""
    lines = (line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    values = {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines}
    return [values[field] for field in fields]


def peak(pid):
    """The most that the process ever had in memory (VmHWM), in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def cpu_time(pid):
    """Of all threads, in seconds."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
