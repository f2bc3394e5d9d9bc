package tcpwrap

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
)

// The words of which random tables are made.
var (
	daemons = []string{"sshd", "ALL", "ALL EXCEPT sshd", "ftpd", "ftpd EXCEPT sshd", "s*", "ftpd, sshd", "sshd@203.0.113.9", "KNOWN", ".d"}
	clients = []string{
		"ALL", "ALL", "ALL",
		"ALL", "10.", "10.0.0.0/8", "203.0.113.5", "[2001:db8::]/32", "ALL EXCEPT 10.1.1.1", "*", "*.5", "10.1.1.1 203.0.113.5",
		"ALL EXCEPT ALL EXCEPT 10.", "0.0.0.0/0", "10.0.0.0/255.0.0.0", "2001:db8::1", "/dev/null", "ALL@10.1.1.1", "all",
	}
	endings = []string{
		"\n", ":\n", ": allow\n", ": deny\n", ": DENY\n", ": nonsense\n", ": umask 022: allow\n", ": allow : deny\n", "\r\n", "\n", "\n", "\n",
		": severity auth.info\n", ": severity wrong\n", ": nice 5\n", ": keepalive x\n", ":: allow\n", ": linger = 3 : deny\n", " \\\n\n", "\\\n: deny\n",
	}
	addresses = []string{"203.0.113.5", "10.1.1.1", "2001:db8::1"}
)

// TestAgainstTcpdmatch compares with libwrap itself: what we say of everybody
// must hold for each of some clients.
func TestAgainstTcpdmatch(t *testing.T) {
	testdisk.Need(t, "tcpdmatch")
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	answers := map[offline.Answer]int{}
	for range 250 {
		allow, deny := table(random), table(random)
		for name, text := range map[string]string{"hosts.allow": allow, "hosts.deny": deny} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		ours := judge(map[string]string{AllowTable: allow, DenyTable: deny, "/dev/null": " "})
		answers[ours.Answer]++
		for _, address := range addresses {
			theirs := tcpdmatch(t, dir, address)
			if ours.Answer != offline.Unknown && ours.Answer != theirs {
				t.Errorf("client %s: libwrap says %s, we say %s (%s:%d)\nallow: %q\ndeny: %q",
					address, theirs, ours.Answer, ours.Path, ours.Line, allow, deny)
			}
		}
	}
	t.Logf("answers: %v", answers)
	if answers[offline.Accepted] < 50 || answers[offline.Denied] < 50 {
		t.Errorf("too few certain answers to prove anything: %v", answers)
	}
}

func table(random *rand.Rand) string {
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	var b strings.Builder
	for range random.IntN(4) {
		b.WriteString(pick(daemons) + ": " + pick(clients) + pick(endings))
	}
	return b.String()
}

func tcpdmatch(t *testing.T, dir, address string) offline.Answer {
	t.Helper()
	cmd := exec.Command("tcpdmatch", "-d", "sshd@203.0.113.9", address)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET} // without a network, looking up names fails at once
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("tcpdmatch: %v\n%s", err, out)
	}
	switch {
	case strings.Contains(string(out), "access:   granted"):
		return offline.Accepted
	case strings.Contains(string(out), "access:   denied"):
		return offline.Denied
	}
	t.Fatalf("tcpdmatch said %q", out)
	return ""
}
