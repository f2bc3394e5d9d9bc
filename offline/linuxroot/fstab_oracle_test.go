package linuxroot

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// generatedFstab makes lines that both mount(8) and systemd accept.
func generatedFstab(r *rand.Rand, lines int) string {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	var b strings.Builder
	for i := range lines {
		if r.IntN(6) == 0 {
			b.WriteString(pick("# comment\n", "\n", "  # indented\n", "\t\n"))
		}
		spec := pick("UUID=", "LABEL=a\\040", "PARTUUID=1234-", "PARTLABEL=p", "/dev/xvd", "/dev/mapper/vg-", "nas:/e", "//srv/s", "/dev/disk/by-uuid/") + fmt.Sprint(i)
		point := pick("/m", "/srv/x\\040y", "/a\\134b", "/t\\011t", "/deep/er/p", "/caf\u00e9") + fmt.Sprint(i)
		fields := []string{pick("", " ", "\t") + spec, point, pick("ext4", "xfs", "auto", "btrfs", "nfs4")}
		n := r.IntN(4)
		if n > 0 {
			fields = append(fields, pick("defaults", "noauto", "nofail,x-systemd.device-timeout=10s", "subvol=@x,compress=zstd:1", `ro,context="a,b"`, "defaults,nofail"))
		}
		if n > 1 {
			fields = append(fields, pick("0", "1"))
		}
		if n > 2 {
			fields = append(fields, pick("0", "1", "2"))
		}
		b.WriteString(strings.Join(fields, pick(" ", "\t", "   ", " \t ")) + pick("", " ", "\t") + "\n")
	}
	return b.String()
}

func TestFstabAsFindmnt(t *testing.T) {
	findmnt := program(t, "findmnt")
	r := rand.New(rand.NewPCG(2, 20))
	text := generatedFstab(r, 400)
	file := filepath.Join(t.TempDir(), "fstab")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var want struct {
		Filesystems []struct {
			Source, Target, Fstype, Options string
			Freq, Passno                    int
		}
	}
	out := output(t, nil, findmnt, "--fstab", "--tab-file", file, "--json", "--list", "-o", "SOURCE,TARGET,FSTYPE,OPTIONS,FREQ,PASSNO")
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	got, problems := parseFstab([]byte(text), file)
	if len(problems) > 0 || len(got) != len(want.Filesystems) || len(got) < 400 {
		t.Fatalf("%d mounts, findmnt has %d; problems %v", len(got), len(want.Filesystems), problems)
	}
	for i, w := range want.Filesystems {
		m := got[i]
		if m.Spec.Raw != w.Source || m.Point != w.Target || m.Type != w.Fstype || strings.Join(m.Options, ",") != w.Options || m.Freq != w.Freq || m.Pass != w.Passno {
			t.Errorf("%q: %+v, findmnt %+v", m.Raw, m, w)
		}
	}
}

// TestDuplicatesAsSystemd asks systemd's own generator which of two lines for a
// place it takes, and whether noauto lines are started.
func TestDuplicatesAsSystemd(t *testing.T) {
	generator := program(t, "/usr/lib/systemd/system-generators/systemd-fstab-generator", "/lib/systemd/system-generators/systemd-fstab-generator")
	const text = "UUID=first /home ext4 defaults 0 0\nUUID=second /home/ xfs defaults 0 0\nUUID=third /na ext4 noauto 0 0\nUUID=fourth /au ext4 noauto,x-systemd.automount 0 0\n"
	dir := t.TempDir()
	file := filepath.Join(dir, "fstab")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	output(t, []string{"SYSTEMD_FSTAB=" + file}, generator, out, out, out)
	unit, err := os.ReadFile(filepath.Join(out, "home.mount"))
	if err != nil {
		t.Fatal(err)
	}
	mounts, _ := parseFstab([]byte(text), "/etc/fstab")
	l := Plan(tree(t, map[string]string{systemd: ""}), mounts, nil)
	if len(l.Absent) != 2 || !strings.Contains(l.Absent[1].Why, `"UUID=first"`) || !strings.Contains(string(unit), "by-uuid/first") {
		t.Errorf("systemd takes\n%s\nwe take %+v", unit, l.Absent)
	}
	for name, started := range map[string]bool{"na.mount": false, "home.mount": true, "au.automount": true} {
		_, err := os.Lstat(filepath.Join(out, "local-fs.target.requires", name))
		if (err == nil) != started {
			t.Errorf("%s: started by systemd: %v", name, err == nil)
		}
	}
}
