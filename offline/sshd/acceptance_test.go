package sshd_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/sshd"
)

// An acceptance is a change to a sound tree, what the packaged sshd makes of a
// login then, and the reason that we must give. Where want is Unknown, the
// outcome depends on something that we cannot see, and any outcome is right.
type acceptance struct {
	name   string
	change func(r *root)
	want   offline.Answer
	reason string         // a Cause that must be among the reasons with this answer
	user   string         // admin when empty
	kind   string         // of key: ed25519 when empty
	suite  testdisk.Suite // only there; all when empty
}

const (
	accepted = offline.Accepted
	refused  = offline.Denied
	unknown  = offline.Unknown
)

// TestAcceptance holds the verdict against the packaged sshd of two releases.
func TestAcceptance(t *testing.T) {
	testdisk.Need(t, "mmdebstrap", "ssh", "ssh-keygen")
	keys := newKeys(t)
	for _, suite := range []testdisk.Suite{testdisk.Bookworm, testdisk.Trixie} {
		base, err := testdisk.Directory(t.Context(), suite, testdisk.Small)
		if err != nil {
			t.Fatal(err)
		}
		system := load(t, base)
		t.Run(string(suite), func(t *testing.T) {
			for _, c := range slices.Concat(modeCases, ownerCases, placeCases, contentCases, keyCases, configCases, accessCases, sessionCases,
				accountCases, shellCases, pamCases, startCases) {
				if c.suite == "" || c.suite == suite {
					t.Run(c.name, func(t *testing.T) {
						t.Parallel()
						c.run(t, suite, system, keys)
					})
				}
			}
		})
	}
}

// run judges the tree by what is known of its sshd from the unchanged one, since
// to read a binary takes longer than all the rest.
func (c acceptance) run(t *testing.T, suite testdisk.Suite, system *sshd.System, keys map[string]string) {
	tree, err := testdisk.NewTree(t.Context(), memoryDir(t), suite)
	if err != nil {
		t.Fatal(err)
	}
	user, key := c.user, keys[c.kind]
	if user == "" {
		user = "admin"
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	r := &root{t: t, dir: tree.Dir, key: strings.TrimSpace(string(public)), private: key}
	r.write("home/admin/.ssh/authorized_keys", r.key+"\n")
	r.write("root/.ssh/authorized_keys", r.key+"\n")
	if c.change != nil {
		c.change(r)
	}
	system, err = system.On(openTree(t, tree.Dir))
	if err != nil {
		t.Fatal(err)
	}
	verdict := mustJudge(t, system, user, r.key)
	for _, r := range slices.Concat(verdict.Reasons, verdict.Notes) {
		wantCause(t, r)
	}
	ok, log := reality(t, tree, user, key)
	if verdict.Answer != c.want || c.want != unknown && ok != (c.want == accepted) {
		t.Errorf("want %s, verdict is %s, sshd lets in: %v\n%s\nsshd said:\n%s", c.want, verdict.Answer, ok, explain(verdict), log)
	}
	has := slices.ContainsFunc(verdict.Reasons, func(r sshd.Reason) bool { return r.ID == c.reason && r.Answer == c.want })
	if c.reason != "" && !has {
		t.Errorf("no reason %s (%s):\n%s", c.reason, c.want, explain(verdict))
	}
}

// reality is whether the tree's own sshd runs a command for the user.
func reality(t *testing.T, tree *testdisk.Tree, user, key string) (ok bool, log string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	server, err := tree.Sshd(ctx)
	if errors.Is(err, testdisk.ErrNotListening) {
		return false, err.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	got, err := server.Login(ctx, user, key)
	if err != nil {
		t.Fatal(err)
	}
	ok = got.OK && strings.TrimSpace(got.Stdout) == user
	return ok, fmt.Sprintf("%s\nclient: exit %d\n%s%s", server.Log(), got.Exit, got.Stdout, got.Stderr)
}

func judge(t *testing.T, dir, user, key string) sshd.Verdict {
	t.Helper()
	return mustJudge(t, load(t, dir), user, key)
}

func load(t testing.TB, dir string) *sshd.System {
	t.Helper()
	system, err := sshd.Load(openTree(t, dir), sshd.LoadOptions{Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return system
}

func openTree(t testing.TB, dir string) *offline.Volume {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	v, err := offline.OpenVolume(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

func explain(v sshd.Verdict) string {
	var b strings.Builder
	for _, r := range v.Reasons {
		fmt.Fprintf(&b, "  %-8s %-34s %s\n", r.Answer, r.ID, r)
	}
	for _, r := range v.Notes {
		fmt.Fprintf(&b, "  note     %-34s %s\n", r.ID, r)
	}
	return b.String()
}

// memoryDir is a temporary directory in memory, where there is one: a tree is a
// thousand files, and there are hundreds of trees.
func memoryDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "regain-sshd-")
	if err != nil {
		dir, err = os.MkdirTemp("", "regain-sshd-")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil { // the tree's root, which everybody must pass
		t.Fatal(err)
	}
	return dir
}

// newKeys makes one key of each kind, the default under the empty name.
func newKeys(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	keys := map[string]string{}
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		path, err := testdisk.NewKey(t.Context(), dir, kind, kind)
		if err != nil {
			t.Fatal(err)
		}
		keys[kind] = path
	}
	keys[""] = keys["ed25519"]
	return keys
}

// root is a tree to be changed. Paths are relative to it; owners are numbers.
type root struct {
	t       testing.TB
	dir     string
	key     string // the public key, one line
	private string // path of the private half
}

func (r *root) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *root) path(name string) string { return filepath.Join(r.dir, name) }

// write keeps owner and mode of a file that is there; a new one is 0644 root.
func (r *root) write(name, text string) {
	r.t.Helper()
	r.must(os.MkdirAll(filepath.Dir(r.path(name)), 0o755))
	r.must(os.WriteFile(r.path(name), []byte(text), 0o644))
}

func (r *root) append(name, text string) {
	r.t.Helper()
	old, err := os.ReadFile(r.path(name))
	r.must(err)
	r.write(name, string(old)+text)
}

func (r *root) replace(name, old, with string) {
	r.t.Helper()
	text, err := os.ReadFile(r.path(name))
	r.must(err)
	if !strings.Contains(string(text), old) {
		r.t.Fatalf("%s does not hold %q", name, old)
	}
	r.write(name, strings.Replace(string(text), old, with, 1))
}

func (r *root) mkdir(name string, mode os.FileMode, uid, gid int) {
	r.t.Helper()
	r.must(os.MkdirAll(r.path(name), 0o755))
	r.own(name, uid, gid)
	r.chmod(name, mode)
}

func (r *root) chmod(name string, mode os.FileMode) {
	r.t.Helper()
	r.must(unix.Chmod(r.path(name), uint32(mode)))
}

func (r *root) own(name string, uid, gid int) {
	r.t.Helper()
	r.must(os.Lchown(r.path(name), uid, gid))
}

func (r *root) remove(name string) {
	r.t.Helper()
	r.must(os.RemoveAll(r.path(name)))
}

func (r *root) link(target, name string) {
	r.t.Helper()
	r.must(os.RemoveAll(r.path(name)))
	r.must(os.MkdirAll(filepath.Dir(r.path(name)), 0o755))
	r.must(os.Symlink(target, r.path(name)))
}

// config puts lines before all others.
func (r *root) config(lines ...string) {
	r.t.Helper()
	r.write("etc/ssh/sshd_config.d/00-test.conf", strings.Join(lines, "\n")+"\n")
}

// keyFile makes a file with the key.
func (r *root) keyFile(name string, mode os.FileMode, uid, gid int) {
	r.t.Helper()
	r.write(name, r.key+"\n")
	r.own(name, uid, gid)
	r.chmod(name, mode)
}

// keys writes the user's authorized_keys; KEY stands for the key.
func (r *root) keys(text string) {
	r.t.Helper()
	r.write("home/admin/.ssh/authorized_keys", strings.ReplaceAll(text, "KEY", r.key))
}
