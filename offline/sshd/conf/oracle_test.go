package conf

import (
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
)

// oracleConnections are the clients for whom both sides evaluate.
var oracleConnections = []Connection{
	{User: "root", Host: "client.example.org", Address: "10.1.2.3", LocalAddress: "10.9.9.9", LocalPort: 22},
	{User: "daemon", Host: "other.example.net", Address: "192.168.7.7", LocalAddress: "127.0.0.1", LocalPort: 2222},
	{User: "nosuch", Host: "client.example.org", Address: "2001:db8::5", LocalAddress: "::1", LocalPort: 443},
}

func spec(c Connection) string {
	text := fmt.Sprintf("user=%s,host=%s,addr=%s,laddr=%s,lport=%d", c.User, c.Host, c.Address, c.LocalAddress, c.LocalPort)
	if c.RDomain != "" {
		text += ",rdomain=" + c.RDomain
	}
	if c.InvalidUser {
		text += ",invalid-user"
	}
	return text
}

// oracleScript runs one sshd after another, each with its own /etc/ssh, in a
// mount namespace of its own: copies into a tmpfs, since unmounting waits long.
// $1 is the root in which sshd lives. A case with an /etc/group brings its own
// accounts.
const oracleScript = `
set -eu
root=$1; shift
mount --make-rprivate /
mount -t tmpfs none "$root/run"
mkdir -p "$root/run/sshd" "$root/run/original"
cp -p "$root/etc/passwd" "$root/etc/group" "$root/run/original"
for f in passwd group; do
	cp -p "$root/etc/$f" "$root/run/$f"
	mount --bind "$root/run/$f" "$root/etc/$f"
done
mount -t tmpfs none "$root/etc/ssh"
for d; do
	from="$root/run/original"
	[ -e "$d/etc/group" ] && from="$d/etc"
	cp "$from/passwd" "$from/group" "$root/etc"
	cp -R -p "$d/etc/ssh/." "$root/etc/ssh"
	rc=0
	chroot "$root" /usr/sbin/sshd -T -C "$(cat "$d/spec")" >"$d/out" 2>"$d/err" </dev/null || rc=$?
	echo $rc >"$d/rc"
	rm -rf "$root/etc/ssh"/*
done
`

type oracleCase struct {
	dir   string
	conn  Connection
	files map[string]string
}

// prepare writes configurations with the host key they need.
func prepare(t *testing.T, root string, configs []map[string]string) []oracleCase {
	t.Helper()
	base := t.TempDir()
	key := filepath.Join(base, "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	var out []oracleCase
	for i, files := range configs {
		c := oracleCase{filepath.Join(base, fmt.Sprintf("%04d", i)), oracleConnections[i%len(oracleConnections)], files}
		c.write(t, key, root)
		out = append(out, c)
	}
	return out
}

func (c oracleCase) write(t *testing.T, key, root string) {
	t.Helper()
	for name, text := range c.files {
		writeTree(t, c.dir, map[string]string{"etc/ssh/" + name: text})
	}
	writeTree(t, c.dir, map[string]string{"spec": spec(c.conn)})
	for from, to := range map[string]string{
		key: "etc/ssh/ssh_host_ed25519_key", filepath.Join(root, "etc/passwd"): "etc/passwd",
		filepath.Join(root, "etc/services"): "etc/services",
	} {
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(c.dir, to), data, 0o600)
		}
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
}

// oracleWorkers run at once: most of the time goes into mounting.
const oracleWorkers = 4

func runOracle(t *testing.T, root string, cases []oracleCase) {
	t.Helper()
	var wait sync.WaitGroup
	var broken atomic.Bool
	for chunk := range slices.Chunk(cases, 1+len(cases)/oracleWorkers) {
		args := []string{"-m", "sh", "-c", oracleScript, "oracle", root}
		for _, c := range chunk {
			args = append(args, c.dir)
		}
		wait.Go(func() {
			if out, err := exec.Command("unshare", args...).CombinedOutput(); err != nil {
				t.Errorf("oracle: %v\n%s", err, out)
				broken.Store(true)
			}
		})
	}
	wait.Wait()
	if broken.Load() {
		t.FailNow()
	}
}

// compare holds our reading of one configuration against sshd's.
func (c oracleCase) compare(t *testing.T, version Version) (refused bool, values int) {
	t.Helper()
	stderr, _ := os.ReadFile(filepath.Join(c.dir, "err"))
	rc, _ := os.ReadFile(filepath.Join(c.dir, "rc"))
	conf, err := Load(openVolume(t, c.dir), Options{Version: version})
	if err != nil {
		t.Fatal(err)
	}
	e := conf.Evaluate(c.connection())
	problems := append(fatal(conf.Problems), fatal(e.Problems())...)
	refused = strings.TrimSpace(string(rc)) != "0"
	if refused != (len(problems) > 0) {
		t.Errorf("%s: sshd refuses: %v, we say %+v\nsshd: %s%s", spec(c.conn), refused, problems, stderr, c.text())
		return refused, 0
	}
	if refused {
		return refused, 0
	}
	for name, want := range parseDump(t, c) {
		got, ok := render(e, name)
		if !ok {
			continue
		}
		values++
		if !slices.Equal(got, want) {
			t.Errorf("%s: %s: sshd %q, we %q%s", spec(c.conn), name, want, got, c.text())
		}
	}
	return refused, values
}

func (c oracleCase) connection() Connection {
	conn := c.conn
	conn.Groups = map[string][]string{"root": {"root"}, "daemon": {"daemon"}}[conn.User]
	return conn
}

// parseDump reads what sshd -T printed.
func parseDump(t *testing.T, c oracleCase) map[string][]string {
	t.Helper()
	stdout, err := os.ReadFile(filepath.Join(c.dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for line := range strings.Lines(string(stdout)) {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		if strings.HasPrefix(value, "//") { // sshd joins / and the name
			value = value[1:]
		}
		out[name] = append(out[name], value)
	}
	return out
}

// generated makes n configurations, after the ones with a broken line.
func generated(seed int64, n int) []map[string]string {
	g := &generator{Rand: rand.New(rand.NewSource(seed))}
	configs := brokenConfigs()
	for range n {
		configs = append(configs, g.config())
	}
	return configs
}

func (c oracleCase) text() string {
	var b strings.Builder
	for name, text := range c.files {
		fmt.Fprintf(&b, "\n--- %s\n%q", name, text)
	}
	return b.String()
}

// brokenConfigs holds each line of the list alone, after a setting of the same
// keyword, and inside a Match block.
func brokenConfigs() []map[string]string {
	var out []map[string]string
	for _, line := range broken {
		out = append(out,
			map[string]string{"sshd_config": line + "\n"},
			map[string]string{"sshd_config": "AuthenticationMethods publickey\nMatch User daemon\n" + line + "\nX11Forwarding yes\n"})
	}
	return out
}

// against compares configurations with the sshd of a root: every broken line,
// and n generated ones.
func against(t *testing.T, root string, seed int64, n int) {
	t.Helper()
	version, err := DetectVersion(openVolume(t, root))
	if err != nil {
		t.Fatal(err)
	}
	cases := prepare(t, root, generated(seed, n))
	runOracle(t, root, cases)
	refused, values := 0, 0
	for _, c := range cases {
		r, n := c.compare(t, version)
		values += n
		if r {
			refused++
		}
	}
	t.Logf("%s: %d configurations compared, %d of them refused, %d effective values equal or reported", version.Raw, len(cases), refused, values)
}

func TestAgainstPackagedSSHD(t *testing.T) {
	t.Parallel()
	needSSHD(t)
	against(t, "/", 1, 310)
}

func TestAgainstNewerSSHD(t *testing.T) {
	t.Parallel()
	needSSHD(t)
	if _, err := exec.LookPath("mmdebstrap"); err != nil {
		skip(t, "mmdebstrap is missing")
	}
	root, err := testdisk.Directory(t.Context(), testdisk.Trixie, testdisk.Small)
	if err != nil {
		t.Fatal(err)
	}
	against(t, root, 2, 80)
}
