package linuxroot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/account"
)

// everything runs all readers of the package over a tree.
func everything(v *offline.Volume) string {
	var b strings.Builder
	class := Classify(v)
	system, err := ReadOS(v)
	mounts, problems := ReadFstab(v)
	layout := Plan(v, mounts, disk)
	crypt, more := ReadCrypttab(v)
	args, evenMore := KernelArgs(v)
	entries, _ := BootEntries(v)
	cloud, yetMore := ReadCloudConfig(v)
	sub, why, subErr := RootSubvolume(v, nil)
	passwd, _ := v.ReadFile("/etc/passwd", offline.MaxAccount)
	users := LoginUsers(v, Facts{Accounts: account.Parse(passwd, nil, nil, nil), OS: system, Cloud: cloud, KeyName: "k", RootLogin: true})
	for _, p := range append(append(append(problems, more...), evenMore...), yetMore...) {
		fmt.Fprintln(&b, p)
	}
	for _, u := range users {
		fmt.Fprintln(&b, u.Why)
	}
	for _, a := range append(layout.Absent, HiddenHomes(v)...) {
		fmt.Fprintln(&b, a.Why)
	}
	fmt.Fprintln(&b, class.Refusal, class.Warnings, err, len(crypt), len(entries), args.Stops(), sub.ID, why, subErr, cloud.TouchesKeys("i-1"))
	return b.String()
}

// configFiles are all the places that are read.
var configFiles = []string{
	"etc/fstab", "etc/crypttab", "etc/os-release", "etc/passwd", "etc/login.defs", "etc/sudoers", "etc/sudoers.d/90-cloud-init-users",
	"etc/cloud/cloud.cfg", "etc/cloud/cloud.cfg.d/a.cfg", "var/lib/cloud/instance/user-data.txt", "var/lib/cloud/data/instance-id",
	"etc/systemd/system/home.mount", "etc/overlayroot.conf", "etc/default/grub", "etc/kernel/cmdline", "etc/auto.master",
	"boot/grub/grub.cfg", "boot/grub/grubenv", "boot/loader/entries/a.conf", "boot/extlinux/extlinux.conf",
	"root/.ssh/authorized_keys", "home/.ecryptfs/a/.ecryptfs/Private.mnt", "usr/sbin/sshd", "bin/sh",
}

// TestSpecialFilesEverywhere puts what must never be opened, and what leads in
// circles, in the place of every file.
func TestSpecialFilesEverywhere(t *testing.T) {
	for name, plantOne := range map[string]func(p string) error{
		"FIFO":      func(p string) error { return unix.Mkfifo(p, 0o644) },
		"device":    func(p string) error { return unix.Mknod(p, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))) },
		"directory": func(p string) error { return os.Mkdir(p, 0o755) },
		"loop":      func(p string) error { return os.Symlink(filepath.Base(p), p) },
		"outside":   func(p string) error { return os.Symlink("/proc/self/environ", p) },
		"dangling":  func(p string) error { return os.Symlink("../../../../../gone", p) },
	} {
		dir := t.TempDir()
		for _, file := range configFiles {
			p := filepath.Join(dir, file)
			if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := plantOne(p); err != nil {
				t.Fatal(err)
			}
		}
		fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
		if err != nil {
			t.Fatal(err)
		}
		v, err := offline.OpenVolume(fd)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan string, 1)
		go func() { done <- everything(v) }()
		select {
		case text := <-done:
			if strings.Contains(text, os.Getenv("PATH")) {
				t.Errorf("%s: the host's environment was read", name)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: hangs", name)
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestEscapesAreQuoted: whatever stands in the files, no control character
// reaches the text for a person.
func TestEscapesAreQuoted(t *testing.T) {
	const evil = "\x1b[2J\x07"
	text := everything(tree(t, map[string]string{
		"etc/passwd":                     "ev" + evil + ":x:1000:1000:Cloud User" + evil + ":/home/e" + evil + ":/bin/sh\nroot:x:0:0::/root:/bin/sh\n",
		"etc/fstab":                      "UUID=" + evil + " /home ext4 nofail\n" + evil + " x y\nUUID=1 /s ext4 defaults " + evil + "\n",
		"etc/os-release":                 "ID=" + evil + "\nNAME=" + evil + "\n",
		"etc/crypttab":                   evil + "\n",
		"etc/overlayroot.conf":           "overlayroot=" + evil + "\n",
		"etc/systemd/system/home.mount":  "[Mount]\nWhat=" + evil + "\nWhere=/" + evil + "\n",
		"etc/cloud/cloud.cfg":            "users: [" + evil + "\n",
		"var/lib/cloud/data/instance-id": evil,
		"etc/kernel/cmdline":             "init=/x" + evil + "/sh systemd.unit=" + evil,
		"boot/":                          "",
		"bin/sh":                         "",
		"home/e" + evil + "/.ssh/authorized_keys": pub + "k\n",
	}))
	if i := strings.IndexAny(text, "\x1b\x07"); i >= 0 {
		t.Errorf("a control character at %d:\n%q", i, text)
	}
}

// TestManyOfEverything bounds the time for trees that are large on purpose.
func TestManyOfEverything(t *testing.T) {
	if testing.Short() {
		t.Skip("makes thousands of files")
	}
	files := map[string]string{systemd: "", "etc/passwd": "root:x:0:0::/root:/bin/sh\n"}
	for i := range 300 {
		files[fmt.Sprintf("etc/systemd/system/m%d.mount", i)] = fmt.Sprintf("[Mount]\nWhat=nas:/x\nWhere=/m%d\n", i)
		files[fmt.Sprintf("boot/loader/entries/e%d.conf", i)] = "linux /k\noptions x\n"
		files[fmt.Sprintf("etc/cloud/cloud.cfg.d/%d.cfg", i)] = "a: [b]\n"
		files[fmt.Sprintf("d%d/etc/passwd", i)] = ""
	}
	files["etc/fstab"] = strings.Repeat("UUID=x /home/\\040 ext4 defaults 0 0\n", 20000)
	for i := range 1100 {
		files[fmt.Sprintf("home/u%d.home", i)] = ""
	}
	files["boot/grub/grub.cfg"] = strings.Repeat("menuentry 'x' {\nlinux /k $a$a$a\n}\n", 50000)
	v := tree(t, files)
	start := time.Now()
	text := everything(v)
	if n := strings.Count(text, "\n"); n > 5000 || !strings.Contains(text, "the rest was not read") || !strings.Contains(text, "more than 1000 homes") {
		t.Errorf("%d lines are said about it", n)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %v", took)
	} else {
		t.Logf("took %v", took)
	}
}
