package mount

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	ntfsServer = "ntfs-3g"
	ntfsProbe  = "ntfs-3g.probe"

	// ntfsPoint is where ntfs-3g mounts, in a namespace that nobody else is in;
	// what lies there on the helper is not touched. It must exist.
	ntfsPoint = "/tmp"

	// ntfsSeconds of processor time end an ntfs-3g that a hostile volume leads astray.
	ntfsSeconds = 600

	ntfsPatience = 5 * time.Millisecond
	maxSaid      = 4096 // bytes of a program's messages that are kept
)

// NTFS is a volume that ntfs-3g serves, or the kernel where there is no ntfs-3g.
// Its mount is in no mount table that anybody sees, as that of Detached: ntfs-3g's
// was made in the mount namespace of one thread and is held by Root alone. When
// Root and what was opened below it are closed, at the latest with the process,
// however it ends, the kernel tells ntfs-3g, which writes out what it holds and
// goes; or does so itself.
type NTFS struct {
	Root int // O_PATH descriptor of the root directory; the caller closes it

	device   string
	readonly bool
	thread   *privateThread
	cmd      *exec.Cmd // nil: it is the kernel
	said     tail
	exit     chan struct{} // closed when ntfs-3g has ended
	ended    error         // how, then
}

// OpenNTFS mounts the NTFS of the block device with ntfs-3g. It neither replays
// nor resets the log (norecover), never removes a hibernation file, and never
// forces. With readonly false it proves that the mount is writable: ntfs-3g
// falls back to reading without a word. A failure is an *Error.
//
// A helper without ntfs-3g whose kernel has ntfs3 opens it with that: only what
// ProbeNTFS passes, read-only too, and to write only from Linux 6.12 on.
//
// As for Detached, the device is a loop device, read-only where readonly is set.
// Call ProbeNTFS first.
func OpenNTFS(ctx context.Context, device string, readonly bool) (*NTFS, error) {
	if kernelServes() {
		return openKernelNTFS(ctx, device, readonly)
	}
	n := &NTFS{Root: -1, device: device, readonly: readonly, exit: make(chan struct{})}
	if _, err := deviceNumber(device); err != nil {
		return nil, n.fail(err)
	}
	program, err := exec.LookPath(ntfsServer)
	if err != nil {
		return nil, n.fail(err)
	}
	if n.thread, err = newPrivateThread(); err != nil {
		return nil, n.fail(err)
	}
	n.cmd = exec.Command(program, "-o", ntfsOptions(readonly), device, ntfsPoint)
	n.cmd.Env = []string{}
	n.cmd.Dir = "/"
	n.cmd.Stdout, n.cmd.Stderr = &n.said, &n.said
	n.cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGTERM, // of the thread; matters until the mount is ours
		Setpgid:   true,            // an interrupt from the terminal is for us, who may have to write something back
	}
	if err := n.thread.do(func() error { return n.serve(ctx) }); err != nil {
		n.thread.end()
		return nil, n.fail(err)
	}
	if err := n.checkFlags(); err != nil {
		unix.Close(n.Root)
		if why := n.Close(ctx); why != nil { // and then all that ntfs-3g said is here
			err = fmt.Errorf("%w: %w", err, why)
		}
		return nil, n.fail(err)
	}
	return n, nil
}

// ntfsOptions keep the rest of the driver quiet: no new file is compressed, and
// none gets a name that Windows does not allow. Without usermapping, ntfs-3g would
// take owners and access from a file of the volume (.NTFS-3G/UserMapping).
func ntfsOptions(readonly bool) string {
	options := []string{"norecover", "no_detach", "nosuid", "nodev", "noexec", "noatime", "nocompression", "windows_names", "usermapping=/dev/null"}
	if readonly {
		options = append(options, "ro")
	}
	return strings.Join(options, ",")
}

// serve starts ntfs-3g and takes over its mount, on the private thread.
func (n *NTFS) serve(ctx context.Context) error {
	var before, now unix.Stat_t
	if err := unix.Stat(ntfsPoint, &before); err != nil {
		return fmt.Errorf("cannot mount on %s: %w", ntfsPoint, err)
	}
	if err := n.cmd.Start(); err != nil {
		return err
	}
	limit := unix.Rlimit{Cur: ntfsSeconds, Max: ntfsSeconds}
	err := unix.Prlimit(n.cmd.Process.Pid, unix.RLIMIT_CPU, &limit, nil) // before anybody waits for it: until then its number is its own
	go func() {
		n.ended = n.cmd.Wait()
		close(n.exit)
	}()
	for err == nil {
		select {
		case <-n.exit:
			return cmp.Or(n.ended, errEnded)
		default:
		}
		if err = unix.Stat(ntfsPoint, &now); err == nil && now.Dev != before.Dev {
			break
		}
		if err == nil {
			err = pause(ctx, ntfsPatience)
		}
	}
	if err == nil {
		err = n.take()
	}
	if err != nil {
		n.kill()
	}
	return err
}

func (n *NTFS) kill() {
	_ = n.cmd.Process.Kill() // it may have ended by itself
	<-n.exit
}

// take makes a detached copy of the mount, and unmounts the one in the namespace.
func (n *NTFS) take() (err error) {
	n.Root, err = unix.OpenTree(unix.AT_FDCWD, ntfsPoint, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("open_tree", err)
	}
	if err := unix.Unmount(ntfsPoint, unix.MNT_DETACH); err != nil {
		unix.Close(n.Root)
		return os.NewSyscallError("umount", err)
	}
	return nil
}

func (n *NTFS) checkFlags() error {
	var st unix.Statfs_t
	if err := unix.Fstatfs(n.Root, &st); err != nil {
		return os.NewSyscallError("fstatfs", err)
	}
	if !n.readonly && st.Flags&unix.ST_RDONLY != 0 {
		return ErrReadOnlyDevice
	}
	return nil
}

// Close waits until everything is written out, and ntfs-3g has ended. All
// descriptors in the mount must be closed. An ntfs-3g that does not end in time
// is killed, which is an error. What could be written to is made durable and
// probed once more: a volume that a Windows would find unclean is an error.
func (n *NTFS) Close(ctx context.Context) error {
	if n.cmd == nil {
		return n.closeKernel(ctx)
	}
	defer n.thread.end()
	select {
	case <-n.exit:
		if n.ended != nil && !strayed(n.ended) {
			return fmt.Errorf("cannot unmount %s: ntfs-3g: %w", n.device, n.ended)
		}
		if n.readonly {
			return nil
		}
		return n.settle(ctx)
	case <-ctx.Done():
		n.kill()
		return fmt.Errorf("cannot unmount %s: ntfs-3g did not end and was killed: %w", n.device, ctx.Err())
	}
}

// strayed tells whether ntfs-3g has ended by a null pointer, as 2022.10.3 does now
// and then after its work: a file that was read ahead is released late, behind the
// request that has closed the volume, and its libfuse then looks for what is gone.
// Who was still at work was told by errors of its own; what is on the volume is
// probed, and is looked at anew by whoever wrote there.
func strayed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGSEGV
}

func (n *NTFS) settle(ctx context.Context) error {
	f, err := os.Open(n.device)
	if err != nil {
		return fmt.Errorf("cannot sync %s: %w", n.device, err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("cannot sync %s: %w", n.device, err)
	}
	return ProbeNTFS(ctx, n.device)
}

func (n *NTFS) fail(err error) error { return ntfsError(n.device, err, n.said.lines()) }

var errEnded = errors.New("ntfs-3g ended at once")

// ProbeNTFS asks ntfs-3g.probe whether the NTFS of the block device could be
// mounted for writing; nothing is written. On a read-only device it answers as
// well. A refusal is an *Error. Where the kernel serves NTFS, the same is read from
// the bytes, and the dirty flag besides.
func ProbeNTFS(ctx context.Context, device string) error {
	if kernelServes() {
		return probeKernelNTFS(ctx, device)
	}
	program, err := exec.LookPath(ntfsProbe)
	if err != nil {
		return ntfsError(device, err, nil)
	}
	var said tail
	cmd := exec.CommandContext(ctx, program, "--readwrite", device)
	cmd.Env = []string{}
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return ntfsError(device, err, said.lines())
	}
	return nil
}

// tail keeps the first bytes of what a program says.
type tail struct{ bytes.Buffer }

func (t *tail) Write(p []byte) (int, error) {
	_, _ = t.Buffer.Write(p[:min(len(p), maxSaid-t.Len())]) // a Buffer never fails
	return len(p), nil
}

func (t *tail) lines() (out []string) {
	for line := range strings.Lines(t.String()) {
		if line = strings.TrimSpace(line); line != "" && len(out) < maxMessages {
			out = append(out, line)
		}
	}
	return out
}
