package agent

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Harden keeps the memory of this process, which will hold a private key, from
// core dumps and from other processes of the same user (prctl(2),
// PR_SET_DUMPABLE), and new files from everybody else. Call it first.
func Harden() error {
	unix.Umask(0o077)
	return errors.Join(
		os.NewSyscallError("prctl", unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)),
		os.NewSyscallError("setrlimit", unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})),
	)
}
