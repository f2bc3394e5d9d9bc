// Package testdisk makes the real things that tests and the demo work on:
// Debian roots, raw disk images with real filesystems, a running sshd, and a
// whole machine in QEMU.
//
// It is for tests and demos only. It runs programs, mounts filesystems and
// needs root, so no production package may import it, and it imports nothing
// else of this module: what it says about a login is not influenced by the code
// under test.
//
// What it starts cannot outlive the process. Mounts live in the mount namespace
// of one thread, loop devices clear themselves, and children are killed with
// the thread that started them (see thread.go).
package testdisk
