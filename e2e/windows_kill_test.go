package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
)

// windowsCut is a rescue of a Windows with this agent that is killed, and taken up.
type windowsCut struct {
	cut
	agent string
}

func (c windowsCut) String() string { return c.agent + "/" + c.cut.String() }

// windowsCuts are where a rescue is killed: when the machine is down, its volume on the
// way, armed, imaged, and about to start. In a sweep, each with each way to go on.
func windowsCuts() (all []windowsCut) {
	at := []moment{
		{"stop", "out", "done"}, {"attach", "out", "done"}, {"rescue", "out", "begins"}, {"rescue", "out", "done"},
		{"enable", "home", "undone"}, {"stop", "home", "begins"},
	}
	agents := windows.Agents()
	for n, m := range at {
		for i, by := range ways {
			if armed := m.step == "rescue" && m.event == "done"; sweep() || i == n%len(ways) || armed && by == rollsBack {
				all = append(all, windowsCut{cut{m, by}, agents[len(all)%len(agents)]})
			}
		}
	}
	return all
}

// kill -9 of regain, and then resume, rollback, or resume on another machine: the
// administrator has a new password, or all is as it was.
func TestWindowsRegainIsKilled(t *testing.T) {
	settledWindows(t, windows.EC2LaunchV1)
	l := newLab(t, "--speed", "50")
	sideBySide(t, 8, windowsCuts(), windowsCut.String, func(t *testing.T, c windowsCut) {
		s := serve(t, l, c.agent)
		end := s.l.watch(s.reset("--backup", "ami", "--accept-imdsv2"), killAt(c.at))
		late := c.at.way == "home" && end.code == 0 // the last steps take less than the signal
		if end.code != -1 && !late {
			t.Fatalf("it was not killed, but ended with %d: %s", end.code, end.stderr)
		}
		again := s.l.takeUp(t, c.by, end.run, s.id, s.state)
		again.stdout, again.stderr = end.stdout+again.stdout, end.stderr+again.stderr
		s.judge(t, end.run, again, s.key)
	})
}

// kill -9 of the agent while it arms a volume: the next attempt takes back what it wrote,
// and arms it, or after three of them the instance comes home as it was.
func TestWindowsAgentIsKilled(t *testing.T) {
	settledWindows(t, windows.EC2LaunchV1)
	l := newLab(t, "--speed", "50")
	cases := []end{{"each time", after(0), 9, 0, ""}, {"has begun its journal", writes(0), 1, 0, ""}, {"writes", writes(3 * time.Millisecond), 1, 0, ""}}
	if sweep() {
		for d := time.Duration(0); d < 60*time.Millisecond; d += 3 * time.Millisecond {
			cases = append(cases, end{"writes since " + d.String(), writes(d), 1, 0, ""})
		}
	}
	sideBySide(t, 4, cases, end.String, func(t *testing.T, e end) {
		s := serve(t, l, windows.EC2LaunchV1)
		p := &patient{l: s.l, id: s.id, volume: s.volume}
		r, killed := p.hunted(t, s.reset(), e)
		want := "rescued"
		if e.most > 1 && killed > 2 { // one that was quicker than the hunt has done the work
			want = "taken-back"
		}
		if r.state != want {
			t.Errorf("%d agents were killed, and it ended with %d, %q: %s\n%s", killed, r.code, r.state, r.stderr, tail(r.stdout))
		}
		s.judge(t, r.run, r, s.key)
		t.Logf("%d were killed, and it ended %s", killed, r.state)
	})
}

// kill -9 of the lab, as a power failure: while a launch agent writes at the start of
// Windows. The machine comes up again with a volume that is in order, and makes no more
// than one password that anybody is told.
func TestWindowsLabIsKilled(t *testing.T) {
	needWindows(t)
	cases := map[string]string{windows.EC2Config: "Ec2SetPassword: Enabled", windows.EC2LaunchV1: "<Password>", windows.EC2LaunchV2: "Launch: EC2Launch v2"}
	sideBySide(t, 3, windows.Agents(), func(agent string) string { return agent }, func(t *testing.T, agent string) {
		l := newLab(t, "--speed", "200")
		s := &server{l: l, key: rsaKey(t)}
		s.from(t, windowsDisk(t, agent))
		console := filepath.Join(l.state, "machines", s.id, "console.log")
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			if said, _ := os.ReadFile(console); strings.Contains(string(said), cases[agent]) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("no agent acts")
			}
		}
		l.end(syscall.SIGKILL)
		if left := l.staysOnHost(); left != "" {
			t.Errorf("the killed lab has left %s", left)
		}
		l.start()
		s.awaitReady()
		if said := s.console(); !strings.Contains(said, "chkdsk: the volume was not closed") {
			t.Errorf("it says %s", said)
		}
		password := s.sealedPassword(s.key)
		if !s.opens(password) {
			t.Errorf("what was told does not open it: %s", s.console())
		}
		files := volumeFiles(t, s.disk())
		l.ec2("RebootInstances", "InstanceId.1="+s.id)
		for starts := strings.Count(s.console(), "machine: starts"); strings.Count(s.console(), "machine: starts") == starts; {
			time.Sleep(20 * time.Millisecond)
		}
		s.awaitReady()
		if diff := cmp.Diff(files, volumeFiles(t, s.disk())); diff != "" || !s.opens(password) {
			t.Errorf("another start changes something: the password opens it: %v\n%s", s.opens(password), diff)
		}
		l.ec2("StopInstances", "InstanceId.1="+s.id)
		l.awaitState(s.id, "stopped")
		l.inOrder(s.disk())
	})
}

// The power fails for everything but regain while a Windows is rescued: it goes on when
// the lab is back, or is resumed. An agent that was arming the volume is gone with it.
func TestWindowsPowerFails(t *testing.T) {
	settledWindows(t, windows.EC2LaunchV1)
	type failure struct {
		moment
		after time.Duration
	}
	at := []failure{{moment{"stop", "out", "begins"}, 0}, {moment{"rescue", "out", "begins"}, 150 * time.Millisecond}, {moment{"stop", "home", "begins"}, 0}}
	if sweep() {
		for d := time.Duration(0); d < 600*time.Millisecond; d += 30 * time.Millisecond {
			at = append(at, failure{moment{"rescue", "out", "begins"}, d})
		}
	}
	sideBySide(t, 3, at, func(f failure) string { return f.String() + "-" + f.after.String() }, func(t *testing.T, f failure) {
		l := newLab(t, "--speed", "50")
		s := serve(t, l, windows.EC2LaunchV1)
		cut := false
		end := s.l.watch(s.reset(), func(e event) syscall.Signal {
			if f.is(e) && !cut {
				cut = true
				time.Sleep(f.after)
				l.end(syscall.SIGKILL)
				if left := l.staysOnHost(); left != "" {
					t.Errorf("the killed lab has left %s", left)
				}
				l.start()
			}
			return 0
		})
		if !cut {
			t.Fatalf("the power did not fail\n%s", tail(end.stdout))
		}
		t.Logf("regain ended with %d, %q", end.code, end.state)
		if end.code == 3 || end.state == "" {
			end = s.l.takeUp(t, resumes, end.run, s.id, s.state)
		}
		s.judge(t, end.run, end, s.key)
	})
}

// staysOnHost is what a lab that was killed leaves on this host, after a moment. Its
// own program must tell the same.
func (l *lab) staysOnHost() string {
	l.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		left, told := remains(l.t, l.state), l.run(nil, "regain-lab", "leftovers", "--state", l.state, "--run", "none")
		if len(left) == 0 && told.code == 0 {
			return ""
		}
		if time.Now().After(deadline) {
			return strings.Join(append(left, told.stdout, told.stderr), "\n")
		}
	}
}

// inOrder wants a volume that ntfs-3g takes for closed.
func (l *lab) inOrder(image string) {
	l.t.Helper()
	disk := &testdisk.NTFSImage{Path: image, Offset: 1 << 20}
	if err := disk.Mount(func(string) error { return nil }); err != nil { // it mounts none that was not
		l.t.Error(err)
	}
}
