package mount

import (
	"fmt"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// privateThread is one operating-system thread in a mount namespace of its own,
// kept because the programs that it started are told when it ends.
type privateThread struct {
	calls chan func()
	once  sync.Once
}

func newPrivateThread() (*privateThread, error) {
	t := &privateThread{calls: make(chan func())}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this function
		for call := range t.calls {
			call()
		}
	}()
	err := t.do(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
			return os.NewSyscallError("unshare", err)
		}
		return os.NewSyscallError("mount", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	})
	if err != nil {
		t.end()
		return nil, fmt.Errorf("cannot make a mount namespace: %w", err)
	}
	return t, nil
}

func (t *privateThread) do(f func() error) error {
	done := make(chan error)
	t.calls <- func() { done <- f() }
	return <-done
}

func (t *privateThread) end() { t.once.Do(func() { close(t.calls) }) }
