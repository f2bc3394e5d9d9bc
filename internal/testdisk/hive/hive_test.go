package hive

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
)

const described = `
[Select]
Current = dword:1

# as Windows has it
[ControlSet001\Services\Ec2Config]
Start = dword:2
DisplayName = sz:Ec2Config "quoted" \ and ü
ImagePath = expand:%ProgramFiles%\Amazon
DependOnService = multi:Tcpip|Afd
FailureActions = hex:80 51,01 00
Odd = hex(0):
@ = sz:nameless

[ControlSet001\Services\Amazon EC2Launch]
Start = dword:4
`

func TestCreate(t *testing.T) {
	testdisk.Need(t, "hivexregedit", "hivexget")
	path := filepath.Join(t.TempDir(), "SYSTEM")
	Create(t, path, described)
	for _, tt := range []struct{ key, value, want string }{
		{`Select`, "Current", "1"},
		{`ControlSet001\Services\Ec2Config`, "Start", "2"},
		{`ControlSet001\Services\Ec2Config`, "DisplayName", `Ec2Config "quoted" \ and ü`},
		{`ControlSet001\Services\Ec2Config`, "ImagePath", `%ProgramFiles%\Amazon`},
		{`ControlSet001\Services\Ec2Config`, "DependOnService", "Tcpip\nAfd\n"},
		{`ControlSet001\Services\Ec2Config`, "FailureActions", "\x80\x51\x01\x00"},
		{`ControlSet001\Services\Ec2Config`, "@", "nameless"},
		{`ControlSet001\Services\Amazon EC2Launch`, "Start", "4"},
	} {
		if got := hivexget(t, path, tt.key, tt.value); got != tt.want {
			t.Errorf("%s %s: got %q, want %q", tt.key, tt.value, got, tt.want)
		}
	}
}

func TestDescriptionRefusesWhatItCannotRead(t *testing.T) {
	for _, line := range []string{"Start", "Start = 4", "Start = dword:xyz", "Start = word:1", "Start = hex:1", "Start = hex(z):00"} {
		if text, err := regText("HIVE", "[A]\n"+line); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: got %q, %v", line, text, err)
		}
	}
}

func TestHazardsLeaveTheHiveReadable(t *testing.T) {
	testdisk.Need(t, "hivexregedit", "hivexget")
	dir := t.TempDir()
	path := filepath.Join(dir, "SYSTEM")
	Create(t, path, described)
	SetSequences(t, path, 8, 7)
	if got := hivexget(t, path, "Select", "Current"); got != "1" {
		t.Errorf("got %q", got)
	}
	WriteLog(t, path, path+".LOG1", 7, 8)
	WriteOldLog(t, path, path+".LOG2", 8)
	for name, size := range map[string]int64{".LOG1": 512 + 2*(4096+512), ".LOG2": 512 + 512 + 4096} {
		if info, err := os.Stat(path + name); err != nil || info.Size() != size {
			t.Errorf("%s: got %v, %v, want %d bytes", name, info, err, size)
		}
	}
	BreakChecksum(t, path)
	if out, err := exec.CommandContext(t.Context(), "hivexget", path, "Select", "Current").CombinedOutput(); err == nil {
		t.Errorf("hivexget reads a hive with a wrong checksum: %s", out)
	}
}

func hivexget(t *testing.T, path, key, value string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "hivexget", path, key, value).CombinedOutput()
	if err != nil {
		t.Fatalf("hivexget %s %s: %v: %s", key, value, err, out)
	}
	return strings.TrimSuffix(string(out), "\n")
}
