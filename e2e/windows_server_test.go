package e2e

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
)

// server is a Windows instance that is worked on, and how it was.
type server struct {
	l             *lab
	id, volume    string
	state         string // of whoever drives the run
	key           string // private half of its key pair
	before, files string
	old           string // the administrator's password
}

// needWindows skips where the lab cannot run Windows.
func needWindows(t testing.TB) {
	t.Helper()
	need(t)
	testdisk.Need(t, "mkntfs", "ntfs-3g", "lowntfs-3g", "ntfs-3g.probe", "hivexregedit", "openssl")
}

// rsaKey makes a pair as EC2 takes it: the file of its private half.
func rsaKey(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key.pem")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-C", "", "-f", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// keyPair imports the public half of a key, and waits until it shows.
func (l *lab) keyPair(name, key string) {
	l.t.Helper()
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		l.t.Fatal(err)
	}
	l.ec2("ImportKeyPair", "KeyName="+name, "PublicKeyMaterial="+base64.StdEncoding.EncodeToString(public))
	for range 100 {
		if strings.Contains(l.ec2("DescribeKeyPairs", "Filter.1.Name=key-name", "Filter.1.Value.1="+name), "<keyName>") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	l.t.Fatalf("the key pair %s does not show", name)
}

// settled are the disks of Windows whose launch agent has made its first password.
var settled struct {
	mu   sync.Mutex
	made map[string]settledDisk
}

type settledDisk struct{ image, key, password string }

// settledWindows is a Windows as it is found: its agent has done what it does once, and
// somebody knows the password. One lab makes them all.
func settledWindows(t testing.TB, agent string) settledDisk {
	t.Helper()
	needWindows(t)
	settled.mu.Lock()
	defer settled.mu.Unlock()
	if settled.made != nil {
		return settled.made[agent]
	}
	l, made := newLab(t, "--speed", "1000"), map[string]settledDisk{}
	machines := map[string]*server{}
	for _, agent := range windows.Agents() {
		s := &server{l: l, key: filepath.Join(programs, agent+".pem")}
		key := rsaKey(t)
		for _, suffix := range []string{"", ".pub"} {
			copyFile(t, key+suffix, s.key+suffix)
		}
		l.keyPair(agent, s.key)
		s.create(windowsDisk(t, agent), "--key-name", agent)
		machines[agent] = s
	}
	for agent, s := range machines {
		s.awaitReady()
		d := settledDisk{key: s.key, image: filepath.Join(programs, agent+".raw"), password: s.sealedPassword(s.key)}
		l.ec2("StopInstances", "InstanceId.1="+s.id)
		l.awaitState(s.id, "stopped")
		copyFile(t, s.disk(), d.image)
		if err := os.Truncate(d.image, windowsSize); err != nil {
			t.Fatal(err)
		}
		made[agent] = d
	}
	l.end(syscall.SIGTERM)
	settled.made = made
	return made[agent]
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "--sparse=always", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func (s *server) create(image string, flags ...string) {
	s.l.t.Helper()
	args := append([]string{"create-instance", "--state", s.l.state, "--platform", "windows", "--image", image}, flags...)
	s.id = strings.Fields(s.l.must(0, "regain-lab", args...))[0]
	s.volume = s.l.describe(s.id).Volumes[0]
}

// serve makes a Windows instance that has run for a while, and goes with the test.
func serve(t testing.TB, l *lab, agent string, flags ...string) *server {
	t.Helper()
	d := settledWindows(t, agent)
	s := &server{l: l.with(t), state: filepath.Join(t.TempDir(), "state"), key: d.key, old: d.password}
	s.from(t, d.image, flags...)
	s.look(t)
	return s
}

// from makes the instance of a disk.
func (s *server) from(t testing.TB, image string, flags ...string) {
	t.Helper()
	name := "of " + t.Name()
	s.l.keyPair(name, s.key)
	s.create(image, append([]string{"--key-name", name}, flags...)...)
	t.Cleanup(func() {
		if !t.Failed() { // its volume takes memory
			s.l.ec2("TerminateInstances", "InstanceId.1="+s.id)
		}
	})
}

// look notes how it is, once it has done what it does at a start.
func (s *server) look(t testing.TB) {
	t.Helper()
	s.awaitReady()
	s.before, s.files = s.l.description(s.id), volumeFiles(t, s.disk())
}

func (s *server) disk() string { return filepath.Join(s.l.state, "volumes", s.volume+".raw") }

// console is what EC2 has of the serial console.
func (s *server) console() string {
	s.l.t.Helper()
	var answer struct {
		Output string `xml:"output"`
	}
	if err := xml.Unmarshal([]byte(s.l.ec2("GetConsoleOutput", "InstanceId="+s.id)), &answer); err != nil {
		s.l.t.Fatal(err)
	}
	text, err := base64.StdEncoding.DecodeString(answer.Output)
	if err != nil {
		s.l.t.Fatal(err)
	}
	return string(text)
}

// awaitReady waits until it runs, and all that acts at a start has acted.
func (s *server) awaitReady() {
	s.l.t.Helper()
	said := ""
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if said = s.console(); readyAgain(said) && s.l.describe(s.id).State == "running" {
			return
		}
	}
	s.l.t.Fatalf("%s does not get ready: %s", s.id, said)
}

// readyAgain tells whether the last thing that began has come to its end.
func readyAgain(said string) bool {
	return strings.LastIndex(said, "Windows is Ready to use") > strings.LastIndex(said, "machine: starts")
}

// sealedPassword is the password as EC2's own console shows it: openssl decrypts it.
func (s *server) sealedPassword(key string) string {
	s.l.t.Helper()
	var answer struct {
		Data string `xml:"passwordData"`
	}
	for deadline := time.Now().Add(time.Minute); answer.Data == "" && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if err := xml.Unmarshal([]byte(s.l.ec2("GetPasswordData", "InstanceId="+s.id)), &answer); err != nil {
			s.l.t.Fatal(err)
		}
	}
	sealed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(answer.Data))
	if err != nil {
		s.l.t.Fatal(err)
	}
	cmd := s.l.command(context.Background(), nil, "openssl", "pkeyutl", "-decrypt", "-inkey", key)
	cmd.Stdin = strings.NewReader(string(sealed))
	r := s.l.wait(cmd)
	if r.code != 0 || len(r.stdout) < 12 {
		s.l.t.Fatalf("openssl cannot decrypt the password of %s: %+v", s.id, r)
	}
	return r.stdout
}

// opens tells whether the administrator has the password.
func (s *server) opens(password string) bool {
	s.l.t.Helper()
	cmd := s.l.command(context.Background(), nil, "regain-lab", "check-password", "--state", s.l.state, "--instance", s.id)
	cmd.Stdin = strings.NewReader(password)
	r := s.l.wait(cmd)
	if r.code != 0 && r.code != 4 {
		s.l.t.Fatalf("check-password: %+v", r)
	}
	return r.code == 0
}

// reset is the command line of a reset that asks nobody.
func (s *server) reset(flags ...string) []string {
	return append(reset(s.id, "--state-dir", s.state, "--backup", "none"), flags...)
}

// password gets the new one as people do; empty: there is none. In a fast lab an hour is
// short, for regain follows its clock.
func (s *server) password(key string, flags ...string) string {
	s.l.t.Helper()
	r := s.l.run(nil, "regain", append([]string{"password", s.id, "--key", key, "--state-dir", s.state, "--timeout", "1h"}, flags...)...)
	if r.code != 0 && r.code != 1 {
		s.l.t.Errorf("regain password ended with %d: %s", r.code, r.stderr)
	}
	password := strings.TrimSuffix(r.stdout, "\n")
	if password != "" && strings.Contains(r.stderr, password) {
		s.l.t.Error("the password was said beside stdout")
	}
	return password
}

// judge is the promise: a new password opens it, and nothing else has changed; or it is
// as it was, with the password of before.
func (s *server) judge(t testing.TB, run string, said ending, key string, flags ...string) {
	t.Helper()
	about := tail(said.stdout) + "\n" + tail(said.stderr)
	if diff := cmp.Diff(s.before, s.l.description(s.id)); diff != "" {
		t.Fatalf("the instance is not as it was:\n%s\n%s", diff, about)
	}
	if left := s.l.leftovers(run); left != "" {
		t.Errorf("there is left:\n%s\n%s", left, about)
	}
	s.awaitReady()
	rescued := !s.opens(s.old)
	if said.state != "" && rescued != (said.state == "rescued") {
		t.Errorf("it ended %q, and the password of before opens it: %v\n%s\n%s", said.state, !rescued, about, s.console())
	}
	if rescued {
		password := s.password(key, flags...)
		if len(password) < 12 || !s.opens(password) {
			t.Errorf("the new password (%d letters) does not open it\n%s\n%s", len(password), about, s.console())
		}
		s.noPassword(t, password, said.stdout+said.stderr)
	}
	s.noPassword(t, s.old, said.stdout+said.stderr)
	if diff := cmp.Diff(s.files, volumeFiles(t, s.disk())); diff != "" {
		t.Errorf("more than the password has changed:\n%s\n%s", diff, about)
	}
}

// noPassword looks for a password where it must not be, in any form of writing it: in
// what was said, in the journals, and when the lab ends, in all that it has.
func (s *server) noPassword(t testing.TB, password, said string) {
	t.Helper()
	if password == "" {
		return
	}
	var wide []byte
	for _, u := range utf16.Encode([]rune(password)) {
		wide = binary.LittleEndian.AppendUint16(wide, u)
	}
	forms := []string{password, string(wide), base64.StdEncoding.EncodeToString([]byte(password)), base64.StdEncoding.EncodeToString(wide)}
	for _, form := range forms {
		if strings.Contains(said, form) || strings.Contains(s.l.log.String(), form) {
			t.Error("the password was said")
		}
	}
	if found := holding(t, forms, s.state); len(found) > 0 {
		t.Errorf("the password lies in %q", found)
	}
	s.l.secrets.add(forms)
}
