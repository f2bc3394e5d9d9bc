package pam

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/account"
)

// cannotRun skips a test that lacks a right or a program, and fails it where
// REGAIN_MUST_RUN says that nothing may be skipped.
func cannotRun(t *testing.T, why string, err error) {
	t.Helper()
	if os.Getenv("REGAIN_MUST_RUN") == "1" {
		t.Fatalf("must run, but %s: %v", why, err)
	}
	t.Skipf("%s: %v", why, err)
}

// baseFiles are what every tree here holds.
var baseFiles = map[string]string{
	"etc/passwd":        "root:x:0:0:root:/root:/bin/bash\nadmin:x:1000:1000::/home/admin:/bin/bash\nother:x:1001:1001::/home/other:/bin/sh\n",
	"etc/shadow":        "root:*:19000:0:99999:7:::\nadmin:!:19000:0:99999:7:::\nother:!:19000:0:99999:7:::\n",
	"etc/group":         "root:x:0:\nadmin:x:1000:\nother:x:1001:\nwheel:x:10:admin\nguests:x:20:other\n",
	"etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\n",
	"home/admin/":       "",
}

// tree is a directory and the Volume that looks at it.
type tree struct {
	dir string
	v   *offline.Volume
}

// plant makes a tree; a name that ends in a slash is a directory, a mode may
// follow a name after a blank.
func plant(t testing.TB, layers ...map[string]string) tree {
	t.Helper()
	tr := tree{dir: t.TempDir()}
	for _, files := range append([]map[string]string{baseFiles}, layers...) {
		for name, content := range files {
			tr.write(t, name, content)
		}
	}
	tr.open(t)
	return tr
}

func (tr *tree) open(t testing.TB) {
	t.Helper()
	fd, err := unix.Open(tr.dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if tr.v, err = offline.OpenVolume(fd); err != nil {
		t.Fatal(err)
	}
	v := tr.v
	t.Cleanup(func() { v.Close() })
}

func (tr *tree) write(t testing.TB, name, content string) {
	t.Helper()
	name, mode, _ := strings.Cut(name, " ")
	p := filepath.Join(tr.dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	if target, link := strings.CutPrefix(content, "-> "); link {
		err = os.Symlink(target, p)
	} else if strings.HasSuffix(name, "/") {
		err = os.MkdirAll(p, 0o755)
	} else {
		err = os.WriteFile(p, []byte(content), 0o644)
	}
	if err == nil && mode == "0666" {
		err = os.Chmod(p, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// modules makes files that libpam could load.
func modules(names ...string) map[string]string {
	files := map[string]string{}
	for _, n := range names {
		files["usr/lib64/security/pam_"+n+".so"] = "\x7fELF and so on"
	}
	return files
}

// allModules are those of every model.
func allModules() map[string]string {
	var names []string
	for n := range models {
		names = append(names, strings.TrimPrefix(n, "pam_"))
	}
	return modules(names...)
}

// env describes the login of a user of the tree on a day.
func (tr tree) env(t testing.TB, user string) Env {
	t.Helper()
	files := map[string][]byte{}
	for _, n := range []string{"passwd", "shadow", "group", "nsswitch.conf"} {
		data, err := tr.v.ReadFile("/etc/"+n, offline.MaxAccount)
		if err != nil {
			t.Fatal(err)
		}
		files[n] = data
	}
	db := account.Parse(files["passwd"], files["shadow"], files["group"], nil)
	u, err := db.User(user)
	if err != nil {
		t.Fatal(err)
	}
	e := NewEnv(db, u, account.ParseNSSwitch(files["nsswitch.conf"]), time.Now())
	e.SELinux = "disabled"
	return e
}

// realTree is a tree that shows the host's own modules, and in which the host's
// pamtester can be run: /usr is the host's, /etc its own.
func realTree(t *testing.T, layers ...map[string]string) tree {
	t.Helper()
	if _, err := exec.LookPath("pamtester"); err != nil {
		cannotRun(t, "package pamtester", err)
	}
	if os.Geteuid() != 0 {
		cannotRun(t, "needs root", os.ErrPermission)
	}
	tr := plant(t, append(layers, map[string]string{"usr/": "", "lib": "-> usr/lib", "etc/debian_version": "12.0\n"})...)
	tr.mount(t, "/usr", "/usr")
	return tr
}

// mount shows a directory of this host inside the tree.
func (tr tree) mount(t *testing.T, at, dir string) {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.v.Mount(at, fd); err != nil {
		t.Fatal(err)
	}
}

// inside runs a shell script in a mount namespace in which /etc is the tree's.
func (tr tree) inside(t *testing.T, script string) string {
	t.Helper()
	setup := "mount --bind " + tr.dir + "/etc /etc && "
	cmd := exec.Command("unshare", "-m", "--propagation", "private", "sh", "-c", setup+script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		cannotRun(t, "cannot run in a mount namespace: "+string(out), err)
	}
	return string(out)
}
