package windows

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline/winroot/gpo"
	"github.com/seed-77750964/regain/offline/winroot/gpo/newpassword"
)

// installed is a volume with regain's start-up script on it, as regain makes it.
func installed(t *testing.T, before gpo.Policy, system string) (fixture, *rsa.PrivateKey) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	made, err := newpassword.Install("r1-Test", &key.PublicKey, before)
	if err != nil {
		t.Fatal(err)
	}
	f := fixture{files: map[string][]byte{gpo.GPTPath: made.Policy.GPT, gpo.ScriptsPath: made.Policy.Scripts}, system: system}
	for _, file := range made.Files {
		f.files[file.Path] = file.Data
	}
	return f, key
}

// TestStartupScript: what regain's own script does, its operator's side understands; and
// the policy is as it was.
func TestStartupScript(t *testing.T) {
	for name, before := range map[string]gpo.Policy{
		"no policy": {},
		"a policy":  {GPT: []byte("[General]\r\nVersion=65537\r\n"), Scripts: []byte("[Startup]\r\n0CmdLine=other.cmd\r\n0Parameters=\r\n")},
	} {
		t.Run(name, func(t *testing.T) {
			f, key := installed(t, before, "")
			b := newBench(t, f.image(t, true))
			said := b.boot()
			block, err := newpassword.ParseBlock([]byte(said), "r1-Test")
			if err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			login, err := newpassword.Open(block, key)
			if err != nil || login.User != "Administrator" || b.Check(instance, login.Password) != nil {
				t.Errorf("%v: %v does not open it", err, login)
			}
			for path, want := range map[string][]byte{gpo.GPTPath: before.GPT, gpo.ScriptsPath: before.Scripts} {
				if got := b.file(path); string(got) != string(want) {
					t.Errorf("%s is %q", path, got)
				}
			}
			if strings.Contains(said, "other.cmd") != (before.Scripts != nil) {
				t.Errorf("it says %s", said)
			}
			b.stop()
			if said := b.boot(); strings.Contains(said, "regain1:") || b.Check(instance, login.Password) != nil {
				t.Errorf("it ran again: %s", said)
			}
		})
	}
}

// TestStartupScriptStays: what keeps the policy from running it, and what it refuses.
func TestStartupScriptStays(t *testing.T) {
	change := func(name, text string) testdisk.Mutation {
		return func(root string) error { return os.WriteFile(filepath.Join(root, name), []byte(text), 0o644) }
	}
	const dc = "[ControlSet002\\Control\\ProductOptions]\nProductType = sz:LanmanNT\n"
	for name, tt := range map[string]struct {
		system string
		change testdisk.Mutation
		want   string // on the console
	}{
		"no extension":      {change: change(gpo.GPTPath, "[General]\r\nVersion=1\r\n")},
		"only for users":    {change: change(gpo.GPTPath, "[General]\r\ngPCMachineExtensionNames=[{42B5FAAE-6536-11D2-AE5A-0000F87571E3}{40B6664F-4972-11D1-A7CA-0000F87571E3}]\r\nVersion=65536\r\n")},
		"turned off":        {change: change(gpo.GPTPath, "[General]\r\ngPCMachineExtensionNames=[{42B5FAAE-6536-11D2-AE5A-0000F87571E3}{40B6664F-4972-11D1-A7CA-0000F87571E3}]\r\nOptions=2\r\nVersion=1\r\n")},
		"a gap":             {change: change(gpo.ScriptsPath, "[Startup]\r\n1CmdLine=regain-r1-Test.cmd\r\n")},
		"no script":         {change: change(gpo.StartupDir+"/regain-r1-Test.ps1", ""), want: "is not whole"},
		"domain controller": {system: dc, want: ":domain-controller:1:1:none:"},
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := installed(t, gpo.Policy{}, tt.system)
			if tt.change != nil {
				f.mutations = append(f.mutations, tt.change)
			}
			b := newBench(t, f.image(t, false))
			said := b.boot()
			if !strings.Contains(said, tt.want) || tt.want == "" && strings.Contains(said, "regain1:") || !errors.Is(b.Check(instance, ""), ErrUnknown) {
				t.Errorf("it says %s", said)
			}
		})
	}
}
