"""Edits files so that size and mtime stay: one JSON object a line, {"how": ..., "file": ..., "store": ...}."""
import ctypes
import json
import mmap
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, RENAME_EXCHANGE = -100, 2


def changed(file):
    with open(file, "rb") as opened:
        data = opened.read()
    return bytes(byte ^ 1 for byte in data)


def twin(file, stat):
    path = file + ".twin"
    with open(path, "xb") as opened:
        opened.write(changed(file))
    os.chmod(path, stat.st_mode & 0o7777)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    return path


def edit(how, file, store):
    stat = os.lstat(file)
    if how == "content" or how == "clock":
        data = changed(file)
        with open(file, "r+b") as opened:
            opened.write(data)
    elif how == "mmap":
        data = changed(file)
        with open(file, "r+b") as opened, mmap.mmap(opened.fileno(), 0) as memory:
            memory[:] = data
            memory.flush()
    elif how == "twin":
        os.rename(twin(file, stat), file)
    elif how == "exchange":
        other = twin(file, stat)
        if libc.renameat2(AT_FDCWD, other.encode(), AT_FDCWD, file.encode(), RENAME_EXCHANGE) != 0:
            raise OSError(ctypes.get_errno(), "renameat2")
        os.unlink(other)
    elif how == "inode":
        data = changed(file)
        os.unlink(file)
        with open(file, "xb") as opened:
            opened.write(data)
        os.chmod(file, stat.st_mode & 0o7777)
    elif how == "link":
        os.unlink(file)
        os.link(store, file)
        return
    os.utime(file, ns=(stat.st_atime_ns, 0 if how == "clock" else stat.st_mtime_ns))
    if os.lstat(file).st_size != stat.st_size:
        raise ValueError("another size")


for line in sys.stdin:
    edit(**json.loads(line))
