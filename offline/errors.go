package offline

import "errors"

// The errors on which callers decide.
var (
	// ErrNotRegular means that a FIFO, device, socket or directory stands where a file was wanted.
	ErrNotRegular = errors.New("not a regular file")
	// ErrNotDir means that something else stands where a directory was wanted.
	ErrNotDir = errors.New("not a directory")
	// ErrTooLarge means that a file or directory exceeds the bound set for reading it.
	ErrTooLarge = errors.New("larger than the limit")
	// ErrLoop means too many symbolic links (the kernel's limit of 40).
	ErrLoop = errors.New("too many levels of symbolic links")
	// ErrAbsentVolume means that a path lies below the mount point of a filesystem that is not here.
	ErrAbsentVolume = errors.New("lies on a filesystem that is not attached")
	// ErrAmbiguous means that a directory of NTFS holds two names that differ only in case.
	ErrAmbiguous = errors.New("the names differ only in case")
	// ErrReparse means that a junction, link or other reparse point of NTFS is in the way.
	ErrReparse = errors.New("is a reparse point, which is not followed")
	// ErrLinked means that a file of NTFS has a second name, where an edit in place would show as well.
	ErrLinked = errors.New("has a second name, a hard link")
	// ErrDrift means a file is neither as a change found it nor as it leaves it.
	ErrDrift = errors.New("file has changed since it was looked at")
)
