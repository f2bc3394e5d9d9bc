package machine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/lab/machine"
)

const patient = "vol-0a1b2c3d4e5f60718"

func helper(t *testing.T, n byte) machine.Spec {
	return machine.Spec{Instance: instanceID(t), Kind: machine.Helper, Dir: t.TempDir(), Address: net.IPv4(172, 31, 16, n)}
}

// on starts machines, and looks for what is left of them after the test.
func on(t *testing.T, rack *machine.Rack, specs ...machine.Spec) {
	t.Helper()
	before := census(t)
	t.Cleanup(func() {
		if err := rack.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		wantCensus(t, before)
	})
	for _, s := range specs {
		if err := rack.Start(t.Context(), s); err != nil {
			t.Fatalf("%v\n%s", err, rack.Console(s.Instance))
		}
	}
}

// second is the id of another instance of the test.
func second(t *testing.T) string { return "i-1" + instanceID(t)[3:] }

// begin runs a script; the channel gives its result, exactly once.
func begin(t *testing.T, rack *machine.Rack, instance, id, script string, timeout time.Duration) <-chan machine.Result {
	t.Helper()
	results := make(chan machine.Result, 2)
	err := rack.Run(t.Context(), instance, machine.Command{ID: id, Script: script, Timeout: timeout}, func(r machine.Result) { results <- r })
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func result(t *testing.T, results <-chan machine.Result) machine.Result {
	t.Helper()
	select {
	case r := <-results:
		select {
		case again := <-results:
			t.Errorf("told twice: %+v", again)
		case <-time.After(50 * time.Millisecond):
		}
		return r
	case <-time.After(2 * time.Minute):
		t.Fatal("the command did not end")
		return machine.Result{}
	}
}

func run(t *testing.T, rack *machine.Rack, instance, script string) machine.Result {
	t.Helper()
	return result(t, begin(t, rack, instance, fmt.Sprint(time.Now().UnixNano()), script, 0))
}

// TestHelperRescues arms the real agent before the volume arrives, attaches a
// disk whose owner is locked out, and boots that disk afterwards.
func TestHelperRescues(t *testing.T) {
	testdisk.Need(t, "mmdebstrap", "ssh", "ssh-keygen", "go")
	agent := filepath.Join(t.TempDir(), "regain-agent")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", agent, "github.com/seed-77750964/regain/cmd/regain-agent").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for i, layout := range []testdisk.Layout{testdisk.GPTExt4, testdisk.GPTBtrfs, testdisk.GPTHome} {
		t.Run(string(layout), func(t *testing.T) {
			key := newKey(t)
			image := newImage(t, layout)
			rack := machine.Open(machine.Options{})
			s := helper(t, byte(60+2*i))
			on(t, rack, s)
			deliver(t, rack, s, agent)
			public, err := os.ReadFile(key + ".pub")
			if err != nil {
				t.Fatal(err)
			}
			armed := begin(t, rack, s.Instance, "armed", fmt.Sprintf("cd /tmp && echo '%s' > key.pub && exec ./regain-agent rescue --volume %s --wait 1m --public-key key.pub --json",
				strings.TrimSpace(string(public)), patient), time.Minute)
			select {
			case r := <-armed:
				t.Fatalf("ended before the volume was there: %+v", r)
			case <-time.After(700 * time.Millisecond):
			}
			if err := rack.Attach(t.Context(), s.Instance, machine.Disk{Volume: patient, Device: "/dev/sdf", Image: image}); err != nil {
				t.Fatal(err)
			}
			r := result(t, armed)
			var report struct{ Outcome string }
			if err := json.Unmarshal([]byte(r.Stdout), &report); err != nil || r.Code != 0 || report.Outcome != "rescued" {
				t.Fatalf("%v: %+v", err, r)
			}
			if err := rack.Detach(t.Context(), s.Instance, patient, false); err != nil {
				t.Fatal(err)
			}
			g := guest(t, image, byte(61+2*i))
			g.Instance = second(t)
			if err := rack.Start(t.Context(), g); err != nil {
				t.Fatal(err)
			}
			wantLogin(t, rack, g.Instance, key, "admin")
		})
	}
}

// deliver puts the agent on the helper's disk.
func deliver(t *testing.T, rack *machine.Rack, s machine.Spec, agent string) {
	t.Helper()
	data, err := os.ReadFile(agent)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "disk/upper/tmp/regain-agent"), data, 0o700); err != nil {
		t.Fatal(err)
	}
	if r := run(t, rack, s.Instance, "ls -l /tmp/regain-agent"); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
}

// TestHelperIsAlone looks at this host from inside.
func TestHelperIsAlone(t *testing.T) {
	testdisk.Need(t, "curl")
	secret := t.TempDir()
	if err := os.WriteFile(filepath.Join(secret, "state"), []byte("hidden-by-the-lab"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "leaked-from-the-lab")
	rack := machine.Open(machine.Options{Hide: []string{secret}})
	s := helper(t, 70)
	s.Env = []string{"AWS_REGION=eu-west-3", "AWS_ENDPOINT_URL=http://127.0.0.1:4599"}
	s.Metadata, s.API, s.APIAddress = says("metadata"), says("api"), "127.0.0.1:4599"
	other := filepath.Join(t.TempDir(), "other.raw")
	if err := errors.Join(os.WriteFile(other, nil, 0o600), os.Truncate(other, 8<<20)); err != nil {
		t.Fatal(err)
	}
	neighbour := helper(t, 71)
	neighbour.Instance = second(t)
	on(t, rack, s, neighbour)
	if err := rack.Attach(t.Context(), neighbour.Instance, machine.Disk{Volume: patient, Device: "/dev/sdf", Image: other}); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ script, want, never string }{
		"metadata":        {"curl -s http://169.254.169.254/latest", "metadata", ""},
		"api":             {"curl -s $AWS_ENDPOINT_URL/", "api", ""},
		"environment":     {"env; cat /proc/1/environ", "AWS_REGION=eu-west-3", "leaked-from"},
		"home":            {"echo $HOME $PATH; ls -A /root /home; echo end", "/root /usr/local/sbin", ".ssh"},
		"disks":           {"ls /dev /sys/block /sys/class/block /dev/disk/by-id; cat /proc/partitions | wc -l; echo end", "loop-control", "vda\n"},
		"others' volumes": {"ls /dev /sys/block", "loop0", "nvme"},
		"kernel settings": {"echo 1 > /proc/sys/kernel/printk; echo code $?", "code 2", "code 0"},
		"device nodes":    {"mknod /tmp/n b 254 0; echo code $?", "code 1", "code 0"},
		"sysfs":           {"touch /sys/x /sys/class/net/lo/mtu 2>&1; echo 1500 > /sys/class/net/lo/mtu; echo code $?", "code 2", "code 0"},
		"processes":       {"ls -d /proc/[0-9]* | wc -l; ps -e | grep -c sshd; echo end", "end", "systemd"},
		"the lab's state": {"ls -A " + secret + " | wc -l; cat " + secret + "/state; id -u", "0\n", "hidden-by"},
		"the network":     {"curl -s -m 2 http://192.0.2.1/; echo code $?", "code 7", "code 0"},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, rack, s.Instance, tt.script)
			if !strings.Contains(r.Stdout, tt.want) || tt.never != "" && strings.Contains(r.Stdout+r.Stderr, tt.never) {
				t.Errorf("%+v", r)
			}
		})
	}
	if out, _ := exec.CommandContext(t.Context(), "curl", "-s", "-m", "1", "http://169.254.169.254/").Output(); string(out) == "metadata" {
		t.Error("the metadata service answers on this host")
	}
}

func says(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

// What a helper writes is on its own disk, and
// there after the next boot.
func TestHelperKeepsItsDisk(t *testing.T) {
	testdisk.Need(t)
	rack := machine.Open(machine.Options{})
	s := helper(t, 72)
	on(t, rack, s)
	script := "for d in /etc /usr/local/bin /opt /root /var/lib/regain /tmp / /var/lib; do echo x > $d/regain-lab-was-here || exit 1; done; rm -f /etc/hostname; echo y > /run/mark"
	if r := run(t, rack, s.Instance, script); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	for _, dir := range []string{"/etc", "/usr/local/bin", "/opt", "/root", "/tmp", "/", "/var/lib"} {
		if _, err := os.Stat(filepath.Join(dir, "regain-lab-was-here")); err == nil {
			t.Errorf("the helper wrote to %s of this host", dir)
		}
	}
	if err := rack.Stop(t.Context(), s.Instance, false); err != nil {
		t.Fatal(err)
	}
	if err := rack.Start(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if r := run(t, rack, s.Instance, "cat /root/regain-lab-was-here /etc/regain-lab-was-here && ! test -e /run/mark"); r.Code != 0 {
		t.Errorf("%+v", r)
	}
}

func TestCommands(t *testing.T) {
	testdisk.Need(t)
	rack := machine.Open(machine.Options{})
	s := helper(t, 73)
	on(t, rack, s)
	if r := run(t, rack, s.Instance, "echo out; echo err >&2; exit 3"); r.Code != 3 || r.Stdout != "out\n" || r.Stderr != "err\n" || r.TimedOut || r.Ended.Before(r.Started) {
		t.Errorf("%+v", r)
	}
	if r := run(t, rack, s.Instance, "kill -9 $$"); r.Code != 137 || r.TimedOut {
		t.Errorf("killed: %+v", r)
	}
	if r := run(t, rack, s.Instance, "yes | head -c 3000000; exit 5"); r.Code != 5 || len(r.Stdout) != 1<<20 {
		t.Errorf("much output: %d bytes, code %d", len(r.Stdout), r.Code)
	}
	if r := run(t, rack, s.Instance, "(sleep 1000 &) ; echo started; cat"); r.Code != 0 || r.Stdout != "started\n" {
		t.Errorf("left behind: %+v", r)
	}
	if r := result(t, begin(t, rack, s.Instance, "late", "sleep 1000 & echo begun; sleep 1000", 3*time.Second)); r.Code != 137 || !r.TimedOut || r.Stdout != "begun\n" {
		t.Errorf("too late: %+v", r)
	}
	cancelled := begin(t, rack, s.Instance, "cancelled", "sleep 1000", 0)
	if err := rack.Run(t.Context(), s.Instance, machine.Command{ID: "cancelled", Script: "true"}, func(machine.Result) {}); err == nil {
		t.Error("two commands have one name")
	}
	if err := rack.Cancel(s.Instance, "cancelled"); err != nil {
		t.Fatal(err)
	}
	if r := result(t, cancelled); r.Code != 137 || r.TimedOut {
		t.Errorf("cancelled: %+v", r)
	}
	cut := begin(t, rack, s.Instance, "cut off", "sleep 1000", 0)
	if err := rack.Stop(t.Context(), s.Instance, true); err != nil {
		t.Fatal(err)
	}
	if r := result(t, cut); r.Code != 137 {
		t.Errorf("cut off: %+v", r)
	}
	if err := rack.Run(t.Context(), s.Instance, machine.Command{ID: "x"}, nil); !errors.Is(err, machine.ErrOff) {
		t.Errorf("a command on a machine that is off: %v", err)
	}
}
