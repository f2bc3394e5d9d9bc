package newpassword_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline/winroot/gpo"
	"github.com/seed-77750964/regain/offline/winroot/gpo/newpassword"
)

// TestDotNetSeals has .NET read the key out of the script, encrypt to it and print a block, which must open here.
func TestDotNetSeals(t *testing.T) {
	testdisk.Need(t, "mcs", "mono")
	dir := t.TempDir()
	program := filepath.Join(dir, "seal.exe")
	if out, err := exec.Command("mcs", "-out:"+program, "testdata/seal.cs").CombinedOutput(); err != nil {
		t.Fatalf("cannot compile: %v\n%s", err, out)
	}
	for _, bits := range []int{2048, 3072, 4096} {
		t.Run(strconv.Itoa(bits), func(t *testing.T) {
			key := newKey(t, bits)
			in, err := newpassword.Install(run, &key.PublicKey, gpo.Policy{})
			if err != nil {
				t.Fatal(err)
			}
			script := filepath.Join(dir, "script.ps1")
			if err := os.WriteFile(script, in.Files[0].Data, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command("mono", program, script, "Адміністратор").Output()
			if err != nil {
				t.Fatalf("cannot seal: %v", err)
			}
			password, console, _ := strings.Cut(string(out), "\n")
			b, err := newpassword.ParseBlock([]byte(console), run)
			if err != nil {
				t.Fatalf("%v in\n%s", err, console)
			}
			login, err := newpassword.Open(b, key)
			if err != nil || login.User != "Адміністратор" || login.Password != strings.TrimSpace(password) {
				t.Errorf("the login is %q %q, %v; want %q", login.User, login.Password, err, password)
			}
		})
	}
}
