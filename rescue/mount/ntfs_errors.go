package mount

import (
	"errors"
	"os/exec"
	"strings"
)

// The reasons for which NTFS is refused, besides those of every filesystem.
var (
	// ErrNotNTFS means that the bytes are not taken for NTFS.
	ErrNotNTFS = errors.New("this is not NTFS")
	// ErrHibernated means that the memory of a Windows that still runs, in its own eyes, holds parts of the volume.
	ErrHibernated = errors.New("windows is hibernated, or was shut down with fast start-up")
	// ErrUncleanLog means that the volume was not unmounted: a forced stop, or a crash.
	ErrUncleanLog = errors.New("the NTFS log was not closed: Windows was not shut down properly")
	// ErrMarked means that the dirty flag of the volume is set.
	ErrMarked = errors.New("the volume is marked to be checked by Windows")
	// ErrNoNTFS3G means that the helper has no ntfs-3g, and its kernel no ntfs3.
	ErrNoNTFS3G = errors.New("ntfs-3g is not installed on the helper")
	// ErrInUse means that another program has the volume open.
	ErrInUse = errors.New("another program uses the volume")
)

// ntfsReasons are the exit codes of ntfs-3g and ntfs-3g.probe (ntfs-3g.probe(8)).
// A log kept in the cache of a fast start-up has 14 as well.
var ntfsReasons = map[int]error{
	12: ErrNotNTFS,
	13: ErrDamaged,
	14: ErrHibernated,
	15: ErrUncleanLog,
	16: ErrInUse,
}

// ntfsCodes name the reasons for reports; they never change. The advice says
// what to do instead.
var ntfsCodes = []struct {
	reason       error
	code, advice string
}{
	{ErrHibernated, "hibernated", "start the instance, and have EC2 stop it, neither hibernated (--hibernate) nor forced; where fast start-up is on, turn it off first (powercfg /h off, by Run Command)"},
	{ErrUncleanLog, "unclean", "start the instance, let Windows come up, and stop it without force"},
	{ErrMarked, "dirty", "start the instance, let Windows check the volume and come up, and stop it without force"},
	{ErrDamaged, "inconsistent", "let Windows repair the volume (chkdsk /f) before anything else"},
	{ErrInUse, "in-use", "unmount the volume on the helper"},
	{ErrNotNTFS, "not-ntfs", "is this the root volume of the instance?"},
	{ErrNoNTFS3G, "no-ntfs-3g", "install ntfs-3g on the helper, or choose a helper that has it"},
	{ErrReadOnlyDevice, "read-only", "start the instance once, and stop it without force"},
}

// NTFSAdvice gives the stable code of an error about NTFS and what to do
// instead; both are empty for other errors.
func NTFSAdvice(err error) (code, advice string) {
	for _, c := range ntfsCodes {
		if errors.Is(err, c.reason) {
			return c.code, c.advice
		}
	}
	return "", ""
}

func ntfsError(device string, err error, said []string) error {
	e := &Error{Device: device, Type: "ntfs", Err: err, Messages: said}
	var exit *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound):
		e.Reason = ErrNoNTFS3G
	case errors.As(err, &exit):
		e.Reason = ntfsReasons[exit.ExitCode()]
		if strings.Contains(strings.Join(said, "\n"), " lock '") { // of a device that another ntfs-3g holds; it has no code
			e.Reason = ErrInUse
		}
	}
	return e
}
