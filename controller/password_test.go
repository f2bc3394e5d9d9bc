package controller_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
)

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// sealed is a password as a launch agent encrypts it.
func sealed(t *testing.T, password string) []byte {
	t.Helper()
	cipher, err := rsa.EncryptPKCS1v15(rand.Reader, &rsaKey().PublicKey, []byte(password)) //nolint:staticcheck // it is what agents do
	if err != nil {
		t.Fatal(err)
	}
	return cipher
}

// block is what the start-up script of a run writes.
func block(t *testing.T, run, status, user, password string) string {
	t.Helper()
	cipher, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, &rsaKey().PublicKey, []byte(run+"\x00"+user+"\x00"+password), nil)
	if err != nil {
		t.Fatal(err)
	}
	parts := []string{"find.COMException"}
	if status != "failed" {
		parts = nil
		for part := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(cipher)), 48) {
			parts = append(parts, string(part))
		}
	}
	var lines strings.Builder
	for n, part := range parts {
		line := fmt.Sprintf("regain1:%s:00c0ffee:%s:%d:%d:%s:", run, status, n+1, len(parts), part)
		sum := sha1.Sum([]byte(line))
		fmt.Fprintf(&lines, "<%s%s>\r\n", line, hex.EncodeToString(sum[:])[:8])
	}
	return lines.String()
}

func windowsPatient() sim.Patient {
	return sim.Patient{Instance: controller.Instance{Platform: controller.Windows, Details: "Windows"}}
}

const resetRun = "20261122T155300Z-3fa2c1"

func TestPassword(t *testing.T) {
	ask := func(w *world) controller.PasswordAsk {
		return controller.PasswordAsk{Instance: w.patient, Key: rsaKey(), Timeout: 20 * time.Minute}
	}
	for _, tt := range []struct {
		name string
		make func(t *testing.T, w *world, a *controller.PasswordAsk)
		want controller.Password
		err  string
	}{
		{"there", func(t *testing.T, w *world, _ *controller.PasswordAsk) {
			w.cloud.Tell(w.patient, sealed(t, "Pa55 wörd&<"))
		},
			controller.Password{Password: "Pa55 wörd&<", From: controller.FromAgent}, ""},
		{"by the script", func(t *testing.T, w *world, a *controller.PasswordAsk) {
			a.Run = resetRun
			w.cloud.Write(w.patient, "noise\r\n"+block(t, resetRun, "sealed", "Verwalter", "S3cret"))
		}, controller.Password{User: "Verwalter", Password: "S3cret", From: controller.FromScript}, ""},
		{"by the script of the last attempt", func(t *testing.T, w *world, a *controller.PasswordAsk) {
			a.Run = resetRun
			w.cloud.Write(w.patient, block(t, resetRun+"-2", "sealed", "Verwalter", "S3cret"))
		}, controller.Password{User: "Verwalter", Password: "S3cret", From: controller.FromScript}, ""},
		{"a script of another run", func(t *testing.T, w *world, a *controller.PasswordAsk) {
			a.Run = resetRun
			w.cloud.Write(w.patient, block(t, "20261122T155300Z-000000", "sealed", "Verwalter", "S3cret"))
		}, controller.Password{}, "no new password within 20m0s"},
		{"the script failed", func(t *testing.T, w *world, a *controller.PasswordAsk) {
			a.Run = resetRun
			w.cloud.Write(w.patient, block(t, resetRun, "failed", "", ""))
		}, controller.Password{}, "has failed"},
		{"a domain controller", func(t *testing.T, w *world, a *controller.PasswordAsk) {
			a.Run = resetRun
			w.cloud.Write(w.patient, block(t, resetRun, "domain-controller", "", ""))
		}, controller.Password{}, "domain controller"},
		{"another key", func(_ *testing.T, w *world, _ *controller.PasswordAsk) { w.cloud.Tell(w.patient, make([]byte, 256)) }, controller.Password{}, "does not open it: it is encrypted to the instance's key pair, \"lost\""},
		{"an escape", func(t *testing.T, w *world, _ *controller.PasswordAsk) { w.cloud.Tell(w.patient, sealed(t, "\x1b[2J")) }, controller.Password{}, "no password"},
		{"nothing", func(_ *testing.T, w *world, a *controller.PasswordAsk) { a.Timeout = time.Minute }, controller.Password{}, "no new password within 1m0s"},
		{"no such instance", func(_ *testing.T, _ *world, a *controller.PasswordAsk) { a.Instance = "i-0123456789abcdef0" }, controller.Password{}, "there is none"},
		{"no id", func(_ *testing.T, _ *world, a *controller.PasswordAsk) { a.Instance = "win" }, controller.Password{}, "instance id"},
		{"denied", func(_ *testing.T, w *world, _ *controller.PasswordAsk) { w.cloud.Deny("ec2:GetPasswordData") }, controller.Password{}, "ec2:GetPasswordData"},
		{"console denied", func(_ *testing.T, w *world, _ *controller.PasswordAsk) { w.cloud.Deny("ec2:GetConsoleOutput") }, controller.Password{}, "no new password within"},
		{"console denied, agent", func(t *testing.T, w *world, _ *controller.PasswordAsk) {
			w.cloud.Deny("ec2:GetConsoleOutput")
			told := 0
			w.Watch = func(controller.Event) {
				if told++; told == 3 {
					w.cloud.Tell(w.patient, sealed(t, "late"))
				}
			}
		}, controller.Password{Password: "late", From: controller.FromAgent}, ""},
		{"console denied, script", func(_ *testing.T, w *world, a *controller.PasswordAsk) {
			a.Run = resetRun
			w.cloud.Deny("ec2:GetConsoleOutput")
		}, controller.Password{}, "ec2:GetConsoleOutput"},
		{"account disabled", func(t *testing.T, w *world, a *controller.PasswordAsk) {
			a.Run = resetRun
			w.cloud.Write(w.patient, block(t, resetRun, "disabled", "Verwalter", "S3cret"))
		}, controller.Password{User: "Verwalter", Password: "S3cret", From: controller.FromScript, Disabled: true}, ""},
		{"stopped", func(t *testing.T, w *world, _ *controller.PasswordAsk) {
			if err := w.cloud.Stop(t.Context(), false, w.patient); err != nil {
				t.Fatal(err)
			}
		}, controller.Password{}, "when it starts"},
	} {
		w := newWorld(t, sim.Options{}, windowsPatient())
		a := ask(w)
		tt.make(t, w, &a)
		got, err := w.Password(t.Context(), a)
		if (tt.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.err)
		}
		if got.Password != tt.want.Password || got.User != tt.want.User || got.From != tt.want.From || got.Disabled != tt.want.Disabled {
			t.Errorf("%s: got %#v %q of %q", tt.name, got, got.Password, got.User)
		}
		if text := fmt.Sprintf("%v %+v %#v %s", got, got, got, err); got.Password != "" && strings.Contains(text, got.Password) {
			t.Errorf("%s: %s tells it", tt.name, text)
		}
		for _, mutated := range w.cloud.Mutations() {
			if tt.name != "stopped" {
				t.Errorf("%s: %s was called", tt.name, mutated)
			}
		}
	}
}

// TestOldPassword: what was told before the last start is not taken for new, and
// a lost answer is no reason to give up.
func TestOldPassword(t *testing.T) {
	w := newWorld(t, sim.Options{}, windowsPatient())
	w.cloud.Tell(w.patient, sealed(t, "old"))
	w.clock.Pass(time.Minute)
	for _, change := range []func() error{
		func() error { return w.cloud.Stop(t.Context(), false, w.patient) }, func() error { return w.cloud.Start(t.Context(), w.patient) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		w.clock.Pass(time.Minute)
	}
	a := controller.PasswordAsk{Instance: w.patient, Key: rsaKey(), Timeout: 10 * time.Minute}
	_, err := w.Password(t.Context(), a)
	if late := (*controller.NoPasswordError)(nil); !errors.As(err, &late) || late.Old.IsZero() || late.Waited < a.Timeout || !strings.Contains(err.Error(), "before the instance was started") {
		t.Fatalf("an old password: %v", err)
	}
	lost := 0
	w.cloud.Strike(func(_ int, action string) sim.Fault {
		if action == "ec2:GetPasswordData" && lost < 3 {
			lost++
			return sim.LostAnswer
		}
		return sim.None
	}, nil)
	w.Watch = func(controller.Event) { w.cloud.Tell(w.patient, sealed(t, "new")) }
	w.cloud.Write(w.patient, "2026/11/22: Windows is being configured\r\n")
	if got, err := w.Password(t.Context(), a); err != nil || got.Password != "new" {
		t.Errorf("%q, %v", got.Password, err)
	}
}

func TestPasswordOfLinux(t *testing.T) {
	w := newWorld(t, sim.Options{}, sim.Patient{})
	if _, err := w.Password(t.Context(), controller.PasswordAsk{Instance: w.patient, Key: rsaKey()}); err == nil || !strings.Contains(err.Error(), "not run Windows") {
		t.Error(err)
	}
}

// TestConsoleTells reads consoles of instances that told no password.
func TestConsoleTells(t *testing.T) {
	for name, tt := range map[string]struct{ console, want string }{
		"nothing":     {"", "is empty"},
		"blank":       {"\r\n \r\n", "is empty"},
		"foreign":     {"GRUB loading\x1b[2J", "no line of a launch agent"},
		"disabled":    {"2013/01/01 00:00:00Z: Ec2SetPassword: Disabled\r\n", "was not asked for a password"},
		"v1 alone":    {"2019/01/01 00:00:00Z: Launch: EC2 Launch v1.3.2003498\r\n", "has started"},
		"v2 done":     {"2022/01/01 00:00:00Z: Launch: EC2Launch v2 service v2.0.1881\r\n2022/01/01 00:00:00Z: Message: Windows is Ready to use\r\n", "asked for no password"},
		"no key":      {"2019/01/01 00:00:00Z: Failed to get metadata: public-keys\r\n", "known to nobody"},
		"run once":    {"2022/01/01 00:00:00Z: Run-once already exists: C:\\ProgramData\r\n", "does not take this start for its first"},
		"no metadata": {"2013/01/01 00:00:00Z: Waiting for meta-data accessibility...\r\n", "waits for the metadata service"},
		"told":        {"<Password>\r\nAAAA\r\n</Password>\r\n", "has not taken up yet"},
		"busy":        {"2019/01/01 00:00:00Z: Unable to open serial port\r\n", "EMS or SAC"},
		"unsent":      {"Failed to get metadata: public-keys; unable to send the password: 404\r\n", "known to nobody"},
		"steers":      {"Windows is Ready \x1b]0;title\x07", `\x1b`},
	} {
		w := newWorld(t, sim.Options{}, windowsPatient())
		w.cloud.Write(w.patient, tt.console)
		_, err := w.Password(t.Context(), controller.PasswordAsk{Instance: w.patient, Key: rsaKey()})
		late := (*controller.NoPasswordError)(nil)
		if !errors.As(err, &late) || !strings.Contains(strings.Join(late.Told, "\n"), tt.want) || strings.Contains(strings.Join(late.Told, ""), "\x1b") {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// TestConsoleTellsOfTheScript: where a start-up script makes the password, nothing
// is said of launch agents, and a block that does not count is not passed over.
func TestConsoleTellsOfTheScript(t *testing.T) {
	whole := block(t, resetRun, "sealed", "Verwalter", "S3cret")
	const ready = "2022/01/01 00:00:00Z: Message: Windows is Ready to use\r\n"
	for name, tt := range map[string]struct{ console, run, want, never string }{
		"empty":                   {"", resetRun, "is empty", "script"},
		"nothing of it":           {ready, resetRun, "nothing of the start-up script", "Windows is"},
		"torn":                    {whole[:len(whole)/2], resetRun, "--block", "launch agent"},
		"of another run":          {whole, "20261122T155300Z-000000", "say --run " + resetRun, "launch agent"},
		"without a run, a block":  {whole, "", "say --run " + resetRun, "--block"},
		"without a run, an agent": {ready, "", "asked for no password", "script"},
	} {
		w := newWorld(t, sim.Options{}, windowsPatient())
		w.cloud.Write(w.patient, tt.console)
		_, err := w.Password(t.Context(), controller.PasswordAsk{Instance: w.patient, Key: rsaKey(), Run: tt.run})
		late := (*controller.NoPasswordError)(nil)
		if !errors.As(err, &late) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if told := strings.Join(late.Told, "\n"); !strings.Contains(told, tt.want) || strings.Contains(told, tt.never) {
			t.Errorf("%s: %q, want %q and never %q", name, told, tt.want, tt.never)
		}
	}
}
