package testdisk

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A Login is what came of an attempt to log in.
type Login struct {
	OK     bool   // the command ran on the other side and ended with 0
	Exit   int    // the ssh client's exit code: 255 is its own failure, else the command's
	Stdout string // of the command
	Stderr string // of the client and the command
}

// loginTimeout is longer than any login takes, also in an emulated machine.
const loginTimeout = 60 * time.Second

// A client is where an sshd can be reached: on the loopback of a namespace.
type client struct {
	th   *thread
	port int
}

// Login runs the host's ssh client with this one key and no agent, and asks the
// other side for its user name, or to run another command. A refusal is not an
// error: an error means that the client could not be run.
func (c *client) Login(ctx context.Context, user, keyFile string, command ...string) (Login, error) {
	if len(command) == 0 {
		command = []string{"id", "-un"}
	}
	ctx, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	args := []string{
		"-F", "/dev/null", "-i", keyFile, "-p", strconv.Itoa(c.port), "-l", user, "-T", "-n",
		"-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
		"-o", "PreferredAuthentications=publickey", "-o", "StrictHostKeyChecking=no",
		"-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=INFO", "127.0.0.1", "--",
	}
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(ctx, "ssh", append(args, command...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := c.th.start(cmd); err != nil {
		return Login{}, fmt.Errorf("cannot run ssh: %w", err)
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return Login{}, fmt.Errorf("cannot run ssh: %w", err)
	}
	code := cmd.ProcessState.ExitCode()
	return Login{OK: code == 0, Exit: code, Stdout: stdout.String(), Stderr: stderr.String()}, nil
}

// await polls until the server greets or ended closes. Asking for the greeting
// matters with QEMU, which accepts before anything in the machine listens.
func (c *client) await(ctx context.Context, ended <-chan struct{}) error {
	for {
		banner := ""
		err := c.th.do(func() (err error) { banner, err = greeting(c.port); return err })
		if err == nil && strings.HasPrefix(banner, "SSH-") {
			return nil
		}
		select {
		case <-ended:
			return errors.New("server ended")
		case <-ctx.Done():
			return fmt.Errorf("server did not answer: %w", ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// greeting makes its own system calls, because the net package may dial on
// another thread and so in another network.
func greeting(port int) (string, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	wait := unix.Timeval{Sec: 2}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		return "", err
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return "", err
	}
	buf := make([]byte, 255)
	n, err := unix.Read(fd, buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

// NewKey makes a key pair in dir with ssh-keygen (kind: ed25519, ecdsa, rsa) and
// returns the path of the private half; the public half is beside it, in .pub.
func NewKey(ctx context.Context, dir, name, kind string) (string, error) {
	path := filepath.Join(dir, name)
	return path, run(ctx, "ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name, "-f", path)
}
