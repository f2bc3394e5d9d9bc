"""Looks for passwords in the files of a volume: seek.py MOUNTPOINT < passwords

It reads the passwords from its input, one a line, looks for each as UTF-8 and as
UTF-16, and prints the files that hold one, never the password.
"""
import os, sys

passwords = [line.rstrip("\r\n") for line in sys.stdin if line.strip()]
patterns = [(n, form, p.encode(form)) for n, p in enumerate(passwords, 1) for form in ("utf-8", "utf-16-le")]
longest = max(len(p) for _, _, p in patterns)
files = unread = hits = 0
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        path = os.path.join(folder, name)
        if os.path.islink(path) or not os.path.isfile(path):
            continue
        try:
            with open(path, "rb") as f:
                files, seen, rest = files + 1, set(), b""
                while block := f.read(1 << 22):
                    for n, form, pattern in patterns:
                        if (n, form) not in seen and pattern in rest + block:
                            seen.add((n, form))
                            hits += 1
                            print("password %d as %s in %s" % (n, form, path))
                    rest = block[-longest:]
        except OSError:
            unread += 1
print("%d passwords, %d files, %d not readable, %d hits" % (len(passwords), files, unread, hits))
