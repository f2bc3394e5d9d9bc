package acl_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/acl"
)

const user = 61001 // of no account on any test machine

var groups = []uint32{61001, 62000}

func cannotRun(t *testing.T, why string, err error) {
	t.Helper()
	if os.Getenv("REGAIN_MUST_RUN") == "1" {
		t.Fatalf("must run, but %s: %v", why, err)
	}
	t.Skipf("%s: %v", why, err)
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		cannotRun(t, "needs root", os.ErrPermission)
	}
}

// asUser calls f on a thread of its own that is the test user; the thread ends with it.
func asUser(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the runtime ends the thread
		gids := []uint32{groups[0], groups[1]}
		setgroups(gids)
		must(unix.RawSyscall(unix.SYS_SETRESGID, uintptr(gids[0]), uintptr(gids[0]), uintptr(gids[0])))
		must(unix.RawSyscall(unix.SYS_SETRESUID, user, user, user))
		f()
	}()
	<-done
}

// TestPermitsAgreesWithKernel makes files with random modes, owners and lists
// and asks access(2), as another user, for all eight wishes.
func TestPermitsAgreesWithKernel(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	rnd := rand.New(rand.NewPCG(7, 7))
	for i := range 400 {
		makeFile(t, filepath.Join(dir, fmt.Sprint(i)), rnd)
	}
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	granted := map[string]bool{}
	asUser(func() {
		for i := range 400 {
			for want := range 8 {
				err := unix.Faccessat(fd, fmt.Sprint(i), uint32(want), 0)
				granted[fmt.Sprint(i, "/", want)] = err == nil
			}
		}
	})
	lists, yes := 0, 0
	for i := range 400 {
		info, list := look(t, filepath.Join(dir, fmt.Sprint(i)))
		if list != nil {
			lists++
		}
		for want := range acl.Perm(8) {
			kernel := granted[fmt.Sprint(i, "/", int(want))]
			if kernel {
				yes++
			}
			if got := acl.Permits(info, list, user, groups, want); got != kernel {
				a, _ := acl.Decode(list)
				t.Errorf("mode %o owner %d:%d list %v want %s: we say %v, the kernel %v", info.Mode, info.UID, info.GID, a, want, got, kernel)
			}
		}
	}
	t.Logf("%d of 400 files with a list, %d of 3200 accesses granted", lists, yes)
}

func makeFile(t *testing.T, name string, rnd *rand.Rand) {
	t.Helper()
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	owner, group := []int{0, user, 61500}[rnd.IntN(3)], []int{0, 61001, 62000, 62500}[rnd.IntN(4)]
	if err := os.Chown(name, owner, group); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, os.FileMode(rnd.IntN(0o1000))); err != nil {
		t.Fatal(err)
	}
	if rnd.IntN(4) == 0 {
		return
	}
	if err := unix.Setxattr(name, offline.XattrACL, randomList(rnd).Encode(), 0); err != nil {
		cannotRun(t, "the filesystem keeps no ACLs", err)
	}
}

func randomList(rnd *rand.Rand) acl.ACL {
	perm := func() acl.Perm { return acl.Perm(rnd.IntN(8)) }
	a := acl.ACL{{Tag: acl.UserObj, Perm: perm()}}
	for _, id := range []uint32{user, 61500} {
		if rnd.IntN(2) == 0 {
			a = append(a, acl.Entry{Tag: acl.User, Perm: perm(), ID: id})
		}
	}
	a = append(a, acl.Entry{Tag: acl.GroupObj, Perm: perm()})
	for _, id := range []uint32{62000, 62500} {
		if rnd.IntN(2) == 0 {
			a = append(a, acl.Entry{Tag: acl.Group, Perm: perm(), ID: id})
		}
	}
	return append(a, acl.Entry{Tag: acl.Mask, Perm: perm()}, acl.Entry{Tag: acl.Other, Perm: perm()})
}

func look(t *testing.T, name string) (offline.Info, []byte) {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(name, &st); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := unix.Getxattr(name, offline.XattrACL, buf)
	if err != nil {
		n = 0
	}
	info := offline.Info{Kind: offline.Regular, Mode: st.Mode & 0o7777, UID: st.Uid, GID: st.Gid}
	if n == 0 {
		return info, nil
	}
	return info, buf[:n]
}

// TestStripAgreesWithChmod compares with what chmod leaves of the same list.
func TestStripAgreesWithChmod(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	rnd := rand.New(rand.NewPCG(3, 9))
	for i := range 100 {
		name := filepath.Join(dir, fmt.Sprint(i))
		makeFile(t, name, rnd)
		before, list := look(t, name)
		a, err := acl.Decode(list)
		if err != nil {
			t.Fatal(err)
		}
		want, mode := acl.StripGroupWrite(a, before.Mode)
		if err := os.Chmod(name, os.FileMode(before.Mode&^0o022)); err != nil {
			t.Fatal(err)
		}
		after, list := look(t, name)
		if after.Mode != mode || string(list) != string(want.Encode()) {
			got, _ := acl.Decode(list)
			t.Errorf("%v %o: we say %v %o, chmod leaves %v %o", a, before.Mode, want, mode, got, after.Mode)
		}
	}
}

// TestDecodeWhatSetfaclWrites reads a list that setfacl wrote.
func TestDecodeWhatSetfaclWrites(t *testing.T) {
	needRoot(t)
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("setfacl", "-m", "u:61001:rwx,g:62000:r", name).CombinedOutput(); err != nil {
		cannotRun(t, "package acl: "+string(out), err)
	}
	_, list := look(t, name)
	a, err := acl.Decode(list)
	if err != nil || fmt.Sprint(a) != "[user::rw- user:61001:rwx group::r-- group:62000:r-- mask::rwx other::---]" {
		t.Errorf("got %v, %v", a, err)
	}
	out, err := exec.Command("getfacl", "-cnp", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, e := range a {
		text += e.String() + "\n"
	}
	if string(out) != text+"\n" {
		t.Errorf("getfacl prints %q, we %q", out, text)
	}
}
