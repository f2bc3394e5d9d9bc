package windows

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/hive"
	"github.com/seed-77750964/regain/lab/machine"
	"github.com/seed-77750964/regain/lab/rules"
)

const instance = "i-0123456789abcdef0"

// A fixture is a Windows volume: its files, and what is in its hives beside what every
// Windows has.
type fixture struct {
	files            map[string][]byte
	system, software string
	mutations        []testdisk.Mutation
}

const everySystem = `
[Select]
Current = dword:2
[ControlSet001]
[ControlSet002\Control\ProductOptions]
ProductType = sz:ServerNT
[ControlSet002\Services\Schedule]
Start = dword:2
`

const everySoftware = `
[Microsoft\Windows NT\CurrentVersion]
ProductName = sz:Windows Server 2019 Datacenter
CurrentBuild = sz:17763
[Microsoft\Windows\CurrentVersion\Setup\State]
ImageState = sz:IMAGE_STATE_COMPLETE
`

// image writes the volume; disk puts it in a partition.
func (f fixture) image(t *testing.T, disk bool) *testdisk.NTFSImage {
	t.Helper()
	testdisk.Need(t, "lowntfs-3g", "ntfs-3g", "ntfs-3g.probe", "mkntfs", "hivexregedit", "openssl")
	dir := t.TempDir()
	hive.Create(t, filepath.Join(dir, "system"), everySystem+f.system)
	hive.Create(t, filepath.Join(dir, "software"), everySoftware+f.software)
	files := maps.Clone(f.files)
	if files == nil {
		files = map[string][]byte{}
	}
	for name, at := range map[string]string{"system": "Windows/System32/config/SYSTEM", "software": "Windows/System32/config/SOFTWARE"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[at] = data
	}
	fill := func(root string) error {
		for name, data := range files {
			path := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(path, data, 0o644); err != nil {
				return err
			}
		}
		return nil
	}
	build := testdisk.NewNTFS
	if disk {
		build = testdisk.NewNTFSDisk
	}
	img, err := build(t.Context(), filepath.Join(dir, "root.raw"), 96<<20, append([]testdisk.Mutation{fill}, f.mutations...)...)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// A bench is a host with one Windows.
type bench struct {
	*testing.T
	*Host
	img  *testdisk.NTFSImage
	spec machine.Spec
	key  string // file of the private half, for openssl
}

// none is a host below that has no machines.
type none struct{ machine.Host }

func (none) On(string) bool                                     { return false }
func (none) Stop(context.Context, string, bool) error           { return nil }
func (none) Start(context.Context, machine.Spec) error          { return machine.ErrOff }
func (none) Console(string) string                              { return "below" }
func (none) Address(string) string                              { return "below" }
func (none) Detach(context.Context, string, string, bool) error { return machine.ErrOff }
func (none) Attach(context.Context, string, machine.Disk) error { return machine.ErrOff }

func newBench(t *testing.T, img *testdisk.NTFSImage) *bench {
	t.Helper()
	b := &bench{
		T: t, img: img, Host: New(none{}, Options{Pace: rules.Pace{Speed: 240e3}, Now: time.Now, Random: rand.Reader}),
		key: filepath.Join(t.TempDir(), "key.pem"),
	}
	b.run("openssl", "genrsa", "-traditional", "-out", b.key, "2048")
	public := b.run("sh", "-c", "chmod 600 "+b.key+"; ssh-keygen -y -f "+b.key)
	b.spec = machine.Spec{
		Instance: instance, Kind: machine.Windows, Dir: t.TempDir(), Root: machine.Disk{Image: img.Path}, Metadata: imds{public + " ops", true},
	}
	t.Cleanup(func() {
		if err := b.Stop(context.WithoutCancel(t.Context()), instance, true); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *bench) run(name string, args ...string) string {
	b.Helper()
	out, err := exec.CommandContext(b.Context(), name, args...).Output()
	if err != nil {
		b.Fatalf("%s %q: %v", name, args, err)
	}
	return strings.TrimSpace(string(out))
}

// imds is a metadata service that may insist on a token.
type imds struct {
	key      string
	required bool
}

func (m imds) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const token = "token"
	switch {
	case r.Method == http.MethodPut:
		_, _ = w.Write([]byte(token))
	case m.required && r.Header.Get("X-Aws-Ec2-Metadata-Token") != token:
		w.WriteHeader(http.StatusUnauthorized)
	case m.key == "":
		w.WriteHeader(http.StatusNotFound)
	default:
		_, _ = w.Write([]byte(m.key))
	}
}

// boot starts the Windows, waits until its agents are done, stops it, and returns what it
// has written to the console this time.
func (b *bench) boot() string {
	b.Helper()
	before := len(b.Console(instance))
	if err := b.Start(b.Context(), b.spec); err != nil {
		b.Fatal(err)
	}
	said := b.settled(before)
	return said
}

func (b *bench) settled(before int) string {
	b.Helper()
	x := b.session(instance)
	select {
	case <-x.ended:
	case <-time.After(time.Minute):
		b.Fatalf("the agents do not end: %s", b.Console(instance))
	}
	said := b.Console(instance)[before:]
	if !strings.Contains(said, "Windows is Ready to use") {
		b.Fatalf("the agents did not get to their end: %s", said)
	}
	return said
}

func (b *bench) stop() {
	b.Helper()
	if err := b.Stop(b.Context(), instance, false); err != nil {
		b.Fatal(err)
	}
}

// password decrypts the block on a console with openssl; "" where there is none.
func (b *bench) password(said string) string {
	b.Helper()
	_, rest, ok := strings.Cut(said, "<Password>\r\n")
	if !ok {
		return ""
	}
	text, _, _ := strings.Cut(rest, "\r\n</Password>")
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "sealed")
	if err := os.WriteFile(path, sealed, 0o600); err != nil {
		b.Fatal(err)
	}
	return b.run("openssl", "pkeyutl", "-decrypt", "-inkey", b.key, "-in", path)
}

// file reads a file of the volume through another driver; nil where there is none.
func (b *bench) file(name string) (data []byte) {
	b.Helper()
	err := b.img.View(func(root string) (err error) {
		if data, err = os.ReadFile(filepath.Join(root, name)); os.IsNotExist(err) {
			return nil
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return data
}

// probe is what ntfs-3g's own program says of the volume: 0 that it is in order.
func (b *bench) probe() int {
	b.Helper()
	device, release, err := machine.NTFS(b.img.Path)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), "ntfs-3g.probe", "--readwrite", device)
	_ = cmd.Run() // its exit code counts
	if err := release(b.Context()); err != nil {
		b.Error(err)
	}
	return cmd.ProcessState.ExitCode()
}

// sum is that of the whole image.
func (b *bench) sum() [sha256.Size]byte {
	b.Helper()
	data, err := os.ReadFile(b.img.Path)
	if err != nil {
		b.Fatal(err)
	}
	return sha256.Sum256(data)
}
