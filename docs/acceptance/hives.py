"""Prints the sequence numbers of registry hives and of their logs: hives.py DIRECTORY

The directory is Windows/System32/config of a volume that is not in use. Nothing of
the hives' content is printed.
"""
import glob, os, struct, sys


def base(data):
    if data[:4] != b"regf":
        return "no base block"
    words = struct.unpack("<128I", data[:512])
    check = 0
    for w in words[:127]:
        check ^= w
    check = {0: 1, 0xFFFFFFFF: 0xFFFFFFFE}.get(check, check)
    return "sequences %d %d, version %d.%d, type %d, checksum %s" % (
        words[1], words[2], words[5], words[6], words[7], "right" if check == words[127] else "wrong")


def entries(data):
    """The entries of a log in the format of Windows 8.1 and later."""
    at, found = 512, []
    while data[at:at + 4] == b"HvLE":
        size, flags, sequence, _, pages = struct.unpack_from("<5I", data, at + 4)
        found.append((sequence, flags, pages, size))
        if size == 0 or size % 512:
            break
        at += size
    return found


for name in ("SYSTEM", "SOFTWARE", "SAM"):
    for path in sorted(glob.glob(os.path.join(sys.argv[1], name + "*"))):
        if os.path.basename(path).upper() not in (name, name + ".LOG", name + ".LOG1", name + ".LOG2"):
            continue
        data = open(path, "rb").read()
        line = "%s: %d bytes, %s" % (os.path.basename(path), len(data), base(data))
        if data[512:516] == b"DIRT":
            line += ", dirty vector of the old format"
        found = entries(data)
        if found:
            line += ", entries %d to %d: %s" % (found[0][0], found[-1][0], " ".join("%d/%x/%d" % e[:3] for e in found[:12]))
        print(line)
