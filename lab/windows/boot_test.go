package windows

import (
	"errors"
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
)

// TestNotBootable: a volume that is not in order does not start, and the console says why.
func TestNotBootable(t *testing.T) {
	hiveOf := func(data string) testdisk.Mutation {
		return func(root string) error {
			return os.WriteFile(filepath.Join(root, "Windows/System32/config/SOFTWARE"), []byte(data), 0o644)
		}
	}
	for name, tt := range map[string]struct {
		f      fixture
		breaks func(*testdisk.NTFSImage) error
		want   string
	}{
		"hibernated":    {breaks: func(img *testdisk.NTFSImage) error { return img.Mount(testdisk.Hibernated) }, want: "not in order"},
		"broken hive":   {f: fixture{mutations: []testdisk.Mutation{hiveOf("regf")}}, want: "config/software"},
		"another set":   {f: fixture{system: "[Select]\nCurrent = dword:7\n"}, want: "ControlSet007"},
		"not an NTFS":   {breaks: func(img *testdisk.NTFSImage) error { return os.WriteFile(img.Path, make([]byte, 1<<20), 0o600) }, want: "no NTFS"},
		"not a Windows": {f: fixture{mutations: []testdisk.Mutation{func(root string) error { return os.RemoveAll(filepath.Join(root, "Windows")) }}}, want: "config/system"},
	} {
		t.Run(name, func(t *testing.T) {
			img := tt.f.image(t, false)
			if tt.breaks != nil {
				if err := tt.breaks(img); err != nil {
					t.Fatal(err)
				}
			}
			b := newBench(t, img)
			err := b.Start(t.Context(), b.spec)
			if !errors.Is(err, machine.ErrNotBootable) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(b.Console(instance), tt.want) {
				t.Errorf("got %v; console %s", err, b.Console(instance))
			}
			if b.On(instance) {
				t.Error("it is on")
			}
		})
	}
	if err := New(none{}, Options{}).Start(t.Context(), machine.Spec{Kind: machine.Windows, Dir: t.TempDir()}); !errors.Is(err, machine.ErrNotBootable) {
		t.Errorf("without a root volume: %v", err)
	}
}

// TestHost: other machines are the business of the host below.
func TestHost(t *testing.T) {
	h := New(none{}, Options{})
	ctx := t.Context()
	for name, err := range map[string]error{
		"start": h.Start(ctx, machine.Spec{Kind: machine.Guest}), "start none": h.Start(ctx, machine.Spec{Kind: machine.Windows, Boot: "none"}), "attach": h.Attach(ctx, instance, machine.Disk{}), "detach": h.Detach(ctx, instance, "", false),
		"check": h.Check(instance, ""),
	} {
		if !errors.Is(err, machine.ErrOff) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if h.Console(instance)+h.Address(instance) != "belowbelow" || h.On(instance) || h.Stop(ctx, instance, true) != nil {
		t.Error("the host below is not asked")
	}
}

// TestStopBefore: a stop before the agents act leaves the volume as it was, and what was
// attached is let go.
func TestStopBefore(t *testing.T) {
	b := newBench(t, ec2Config("Enabled", 2, narrow).image(t, false))
	b.options.Pace.Speed = 1
	before := b.sum()
	if err := b.Start(t.Context(), b.spec); err != nil {
		t.Fatal(err)
	}
	if err := b.Start(t.Context(), b.spec); err == nil || !b.On(instance) || b.Address(instance) != "" {
		t.Errorf("it is on, and starts: %v", err)
	}
	if err := errors.Join(b.Attach(t.Context(), instance, machine.Disk{Volume: "vol-1"}), b.Detach(t.Context(), instance, "vol-1", false)); err != nil {
		t.Error(err)
	}
	if b.probe() == 0 {
		t.Error("a volume that is in use looks as if it were not")
	}
	b.stop()
	if b.sum() != before {
		t.Error("the volume is not what it was")
	}
	if said := b.Console(instance); strings.Contains(said, "<Password>") || !strings.Contains(said, "Windows Server 2019 Datacenter, build 17763") {
		t.Errorf("it says %s", said)
	}
	if b.file(loginFile) != nil || !strings.Contains(string(b.file(configPath)), "Enabled") {
		t.Error("the volume was written to")
	}
}

// stuck is a metadata service that does not answer.
type stuck struct{ asked chan struct{} }

func (m stuck) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.asked <- struct{}{}
	<-r.Context().Done()
	w.WriteHeader(http.StatusGatewayTimeout)
}

// TestForcedStop: who writes to the volume is cut off, and nothing of it stays.
func TestForcedStop(t *testing.T) {
	b := newBench(t, ec2Config("Enabled", 2, narrow).image(t, false))
	m := stuck{make(chan struct{})}
	whole := b.spec.Metadata
	b.spec.Metadata = m
	if err := b.Start(t.Context(), b.spec); err != nil {
		t.Fatal(err)
	}
	select {
	case <-m.asked:
	case <-time.After(time.Minute):
		t.Fatalf("nobody acts: %s", b.Console(instance))
	}
	if err := b.Check(instance, ""); !errors.Is(err, ErrWrong) {
		t.Errorf("the password counts only later: %v", err)
	}
	state := filepath.Dir(b.img.Path)
	if busy := machine.Remains(state); len(busy) == 0 || len(b.Remains(state)) > 0 {
		t.Errorf("%q are in use, and %q are taken for leftovers", busy, b.Remains(state))
	}
	if err := b.Stop(t.Context(), instance, true); err != nil {
		t.Fatal(err)
	}
	if b.On(instance) || strings.Contains(b.Console(instance), "Ready") {
		t.Errorf("it is on, or says %s", b.Console(instance))
	}
	if left := append(Remains(state), Remains(b.spec.Dir)...); len(left) != 0 {
		t.Errorf("there remain %q", left)
	}
	b.spec.Metadata = whole
	if said := b.boot(); b.password(said) == "" || !strings.Contains(said, "chkdsk: the volume was not closed") {
		t.Errorf("at the next start it says %s", said)
	}
}

// TestRepairs: what Windows puts in order at a start, and says; stopped in order, the
// volume is in order then.
func TestRepairs(t *testing.T) {
	hiveWith := func(first, second uint32) testdisk.Mutation {
		return func(root string) error {
			hive.SetSequences(t, filepath.Join(root, "Windows/System32/config/SOFTWARE"), first, second)
			return nil
		}
	}
	for name, tt := range map[string]struct {
		breaks func(*testdisk.NTFSImage) error
		want   string
	}{
		"nothing":    {func(*testdisk.NTFSImage) error { return nil }, ""},
		"log open":   {func(img *testdisk.NTFSImage) error { return img.SetLog(1, 1, false) }, "chkdsk: the volume was not closed"},
		"log closed": {func(img *testdisk.NTFSImage) error { return img.SetLog(1, 1, true) }, ""},
		"dirty":      {(*testdisk.NTFSImage).MarkDirty, "chkdsk: the volume is marked as dirty"},
		"dirty hive": {func(img *testdisk.NTFSImage) error { return img.Mount(hiveWith(8, 7)) }, "config/software was not closed"},
		"all of them": {func(img *testdisk.NTFSImage) error {
			return errors.Join(img.Mount(hiveWith(9, 10)), img.MarkDirty(), img.SetLog(1, 1, false))
		}, "chkdsk"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, ec2Config("Enabled", 2, narrow).image(t, true))
			if err := tt.breaks(b.img); err != nil {
				t.Fatal(err)
			}
			said := b.boot()
			if b.password(said) == "" || !strings.Contains(said, tt.want) || tt.want == "" && strings.Contains(said, "was not closed") {
				t.Errorf("it says %s", said)
			}
			b.stop()
			if code := b.probe(); code != 0 {
				t.Errorf("ntfs-3g.probe says %d after a stop in order", code)
			}
			if said := b.boot(); strings.Contains(said, "was not closed") || strings.Contains(said, "chkdsk") {
				t.Errorf("it repairs once more: %s", said)
			}
		})
	}
}

// TestPowerCut: whose power is cut while it runs leaves its volume open, though nobody
// writes; the password is there all the same.
func TestPowerCut(t *testing.T) {
	b := newBench(t, ec2Config("Enabled", 2, narrow).image(t, true))
	password := b.password(b.boot())
	if err := b.Stop(t.Context(), instance, true); err != nil {
		t.Fatal(err)
	}
	const unclean = 15
	if code := b.probe(); code != unclean {
		t.Errorf("ntfs-3g.probe says %d", code)
	}
	if said := b.boot(); !strings.Contains(said, "chkdsk") || b.Check(instance, password) != nil {
		t.Errorf("it says %s", said)
	}
}

// TestRemains: a driver that nobody needs any more is told.
func TestRemains(t *testing.T) {
	img := fixture{}.image(t, false)
	dir := t.TempDir()
	err := onDevice(t.Context(), img.Path, func(device string) error {
		return visit(t.Context(), device, dir, false, func(tree) error {
			if left := Remains(filepath.Dir(dir)); len(left) != 2 || !strings.Contains(left[1], "mounts NTFS at "+dir) {
				t.Errorf("there remain %q", left)
			}
			if left := New(none{}, Options{}).Remains(filepath.Dir(img.Path)); len(left) != 1 || !strings.Contains(left[0], img.Path) {
				t.Errorf("there remain %q", left)
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}

// TestBusyForAMoment: a file that somebody has open a little longer delays the end.
func TestBusyForAMoment(t *testing.T) {
	img := fixture{}.image(t, false)
	err := onDevice(t.Context(), img.Path, func(device string) error {
		return visit(t.Context(), device, t.TempDir(), false, func(tr tree) error {
			f, err := os.Open(tr.path(systemHive))
			if err != nil {
				return err
			}
			defer f.Close()
			cmd := exec.Command("sleep", "0.3")
			cmd.Stdin = f
			if err := cmd.Start(); err != nil {
				return err
			}
			t.Cleanup(func() {
				if err := cmd.Wait(); err != nil {
					t.Error(err)
				}
			})
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}
