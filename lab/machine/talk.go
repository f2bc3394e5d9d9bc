package machine

import "time"

// The lab and the first process of a machine talk JSON over a pair of sockets,
// one value after the other. The pair is the lifeline too: when the lab's end is
// gone, so is the machine.

// plan is what a first process is to make. It comes first.
type plan struct {
	Kind   Kind
	Boot   string
	Host   string   // the name of the machine
	Root   string   // a directory of this host where the tree is put together
	Disk   string   // of a helper: the directory that is its disk
	Hide   []string // of a helper: directories of this host that it must not see
	Env    []string // of a helper: for its commands
	Pieces []piece  // of a guest: its filesystems, the likeliest root first
	QEMU   []string // of a guest in QEMU: the whole command
}

// piece is a filesystem of a guest, on a loop device.
type piece struct {
	Device              string
	Type                string
	UUID, Label         string
	PartUUID, PartLabel string
	Root                bool // the disk that it lies on is the one that boots
}

// request asks the first process for something.
type request struct {
	Do      string // run, cancel, show, hide, release, stop
	ID      string // of the command, or of the request
	Script  string
	Timeout time.Duration
	Disk    *nvme  // show, hide
	Device  uint64 // release: the number of the block device to let go of
}

// event tells the lab what has happened in the machine.
type event struct {
	What   string // ready, failed, quiet (the service ended), ended (a command), done (a request)
	ID     string // of the command or the request
	Error  string
	Volume bool   // failed: the root volume is to blame
	Kernel string // ready, of a machine that only extracts its kernel: the kernel's command line

	Code           int // of a command, as the rest
	TimedOut       bool
	Stdout, Stderr []byte
	Started, Ended time.Time
}
