package rescue_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/sshkey"
	"github.com/seed-77750964/regain/rescue"
	"github.com/seed-77750964/regain/rescue/journal"
	"github.com/seed-77750964/regain/rescue/source"
)

// givenKey is a key of the operator's: nothing is stored.
type givenKey struct{ pub sshkey.Public }

func (k givenKey) Choose(func(string, int) bool, bool) (rescue.Key, error) { return k, nil }
func (k givenKey) Public() sshkey.Public                                   { return k.pub }
func (k givenKey) Store(context.Context) (offline.Key, []string, error) {
	return offline.Key{Type: k.pub.Algorithm, Fingerprint: k.pub.Fingerprint(), Public: k.pub.String()}, nil, nil
}
func (k givenKey) Forget(context.Context) (string, error) { return "", nil }

// bench is the helper's side of a test: a key pair and a state directory.
type bench struct {
	t       *testing.T
	private string // path
	pub     sshkey.Public
	state   *journal.Dir
	runs    int
	modulus string // of the operator's RSA key, for a Windows
}

func newBench(t *testing.T) *bench {
	t.Helper()
	testdisk.Need(t, "ssh", "ssh-keygen", "mmdebstrap")
	dir := t.TempDir()
	private, err := testdisk.NewKey(t.Context(), dir, "new", "ed25519")
	if err != nil {
		t.Fatal(err)
	}
	public, err := os.ReadFile(private + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	pub, err := sshkey.ParsePublicInput(public)
	if err != nil {
		t.Fatal(err)
	}
	state, err := journal.Open(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { state.Close() })
	return &bench{t: t, private: private, pub: pub, state: state}
}

func (b *bench) request() rescue.Request {
	b.runs++
	return rescue.Request{
		Run: fmt.Sprintf("test-%d", b.runs), Now: time.Now(), Keys: givenKey{b.pub}, State: b.state, Instance: "i-0test",
	}
}

// open opens an image or a directory.
func (b *bench) open(path string, write bool) *rescue.Patient {
	b.t.Helper()
	want := source.Request{Image: path, Write: write}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		want = source.Request{Root: path, Write: write}
	}
	src, err := source.Finder{}.Open(b.t.Context(), want)
	if err != nil {
		b.t.Fatal(err)
	}
	p, err := rescue.Open(src)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

func (b *bench) rescue(path string, change ...func(*rescue.Request)) (offline.Report, error) {
	b.t.Helper()
	r := b.request()
	for _, c := range change {
		c(&r)
	}
	p := b.open(path, true)
	report, err := p.Rescue(b.t.Context(), r)
	if cerr := p.Close(); cerr != nil {
		b.t.Error(cerr)
	}
	return report, err
}

// wantRescued fails unless the rescue succeeded.
func (b *bench) wantRescued(path string, change ...func(*rescue.Request)) offline.Report {
	b.t.Helper()
	report, err := b.rescue(path, change...)
	if err != nil || report.Outcome != offline.Rescued {
		b.t.Fatalf("outcome %q, error %v (%+v), verdicts %+v, findings %+v", report.Outcome, err, report.Error, report.Verdicts, report.Findings)
	}
	for _, v := range report.Verdicts {
		if v.After != offline.Accepted {
			b.t.Errorf("verdict after: %+v", v)
		}
	}
	return report
}

func (b *bench) undo(path, run string) (offline.Report, error) {
	b.t.Helper()
	p := b.open(path, true)
	defer p.Close()
	return p.Undo(b.t.Context(), rescue.Request{Run: run, Now: time.Now(), State: b.state})
}

func (b *bench) diagnose(path string) (offline.Report, error) {
	b.t.Helper()
	p := b.open(path, false)
	defer p.Close()
	return p.Diagnose(b.t.Context(), rescue.Request{Run: "look", Now: time.Now(), Public: &b.pub})
}

// logIn starts the image's own sshd and tries the key.
func (b *bench) logIn(img *testdisk.Image, user string) bool {
	b.t.Helper()
	sshd, err := img.Sshd(b.t.Context())
	if errors.Is(err, testdisk.ErrNotListening) {
		return false
	}
	if err != nil {
		b.t.Fatal(err)
	}
	login, err := sshd.Login(b.t.Context(), user, b.private)
	if err != nil {
		b.t.Error(err)
	}
	if err := sshd.Close(); err != nil {
		b.t.Error(err)
	}
	return login.OK
}

func sum(t *testing.T, path string) string {
	t.Helper()
	s, err := testdisk.Sum(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
