package machine

import (
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
)

// No call may run on the main thread, and none may leave its network behind.
func TestOnThread(t *testing.T) {
	testdisk.Need(t)
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			err := onThread(func() error {
				if unix.Gettid() == unix.Getpid() {
					t.Error("it runs on the main thread")
				}
				return unix.Unshare(unix.CLONE_NEWNET)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if own := links(t, "/proc/self/ns/net"); own != links(t, "/proc/thread-self/ns/net") {
		t.Errorf("this thread is in another network than the process: %s", own)
	}
}

func links(t *testing.T, path string) string {
	t.Helper()
	to, err := os.Readlink(path)
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// TestTwoOfOneName: the second lab on a host with the same instance takes the
// next address, and both have a metadata service of their own.
func TestTwoOfOneName(t *testing.T) {
	testdisk.Need(t, "ip", "unshare", "curl")
	s := Spec{Instance: "i-of-two-labs", Address: net.IPv4(172, 31, 9, 9)}
	var names []string
	for _, text := range []string{"one", "two"} {
		sleeper := exec.CommandContext(t.Context(), "unshare", "--net", "sleep", "1000")
		if err := sleeper.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = sleeper.Process.Kill(); _ = sleeper.Wait() }()
		pid := sleeper.Process.Pid
		for links(t, "/proc/self/ns/net") == links(t, "/proc/"+strconv.Itoa(pid)+"/ns/net") { // until unshare has done its work
		}
		s.Metadata = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
		w, err := cable(s, pid)
		if err != nil {
			t.Fatal(err)
		}
		defer w.cut()
		names = append(names, w.address.String())
		inside := func(args ...string) string {
			out, err := exec.CommandContext(t.Context(), "nsenter", append([]string{"--net", "--target", strconv.Itoa(pid)}, args...)...).CombinedOutput()
			if err != nil {
				t.Errorf("%q: %v\n%s", args, err, out)
			}
			return string(out)
		}
		if got := inside("curl", "-s", "http://169.254.169.254/"); got != text {
			t.Errorf("the metadata service says %q, want %q", got, text)
		}
		if got := inside("ip", "-4", "-brief", "address"); !strings.Contains(got, "172.31.9.9/32") || !strings.Contains(got, w.address.String()) {
			t.Errorf("addresses: %s", got)
		}
	}
	if names[0] == names[1] {
		t.Errorf("both have %s", names[0])
	}
	if _, err := cable(Spec{Instance: "x", Address: net.ParseIP("fd00::1")}, os.Getpid()); err == nil {
		t.Error("an IPv6 address was taken")
	}
}

func TestNetlinkErrors(t *testing.T) {
	testdisk.Need(t)
	if err := raise("no-such-link", gateway, gateway); err == nil {
		t.Error("an interface that is not there was set up")
	}
	if err := addVeth("lo", "x", os.Getpid()); !errors.Is(err, unix.EEXIST) {
		t.Errorf("a second lo: %v", err)
	}
	removeLink("no-such-link")
}
