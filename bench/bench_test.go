package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk"
)

// The promises, as ratios or absolute sizes. A benchmark fails when its promise
// is broken.
const (
	maxRescueRatio = 2.0
	maxUsersRatio  = 10.0
	maxUsersTime   = time.Second
	maxMemory      = 64 << 20
	maxBinary      = 20 << 20
)

// rounds are taken in turn, regain and shell, so that the machine's noise falls
// on both; the medians are compared.
const rounds = 9

// BenchmarkRescue compares a full rescue of a three-user ext4 image with what a
// person types: loop-attach, mount, write one file, sync it, unmount, detach,
// done twice, since regain verifies through a fresh mount.
func BenchmarkRescue(b *testing.B) {
	agent, image := setUp(b, addUsers(2))
	offset := rootOffset(b, image)
	var ours, shells []time.Duration
	var peak int64
	for range b.N {
		for i := range rounds {
			d, rss := timed(b, rescue(b, agent, copyOf(b, image), i))
			ours, peak = append(ours, d), max(peak, rss)
			d, _ = timed(b, exec.Command("/bin/sh", "-euc", shellRescue, "sh", copyOf(b, image), b.TempDir(), offset))
			shells = append(shells, d)
		}
	}
	ratio := float64(median(ours)) / float64(median(shells))
	b.ReportMetric(ratio, "regain/shell")
	b.ReportMetric(float64(median(ours).Milliseconds()), "ms-regain")
	b.ReportMetric(float64(median(shells).Milliseconds()), "ms-shell")
	b.ReportMetric(float64(peak)/(1<<20), "MiB-peak")
	if ratio > maxRescueRatio {
		b.Errorf("a rescue takes %.2f times the shell's time, promised are %.1f", ratio, maxRescueRatio)
	}
	if peak > maxMemory {
		b.Errorf("a rescue needs %d MiB of memory, promised are %d", peak>>20, maxMemory>>20)
	}
}

const shellRescue = `
for round in 1 2; do
	loop=$(losetup --find --show --offset "$3" "$1")
	mount -t ext4 "$loop" "$2"
	echo key > "$2/home/admin/key.$round"
	sync "$2/home/admin/key.$round"
	umount "$2"
	losetup --detach "$loop"
done`

// rootOffset is where partition 1 begins, in bytes.
func rootOffset(b *testing.B, image string) string {
	b.Helper()
	out, err := exec.Command("sfdisk", "--json", image).Output()
	if err != nil {
		b.Fatal(err)
	}
	var table struct {
		PartitionTable struct{ Partitions []struct{ Node, Start any } }
	}
	if err := json.Unmarshal(out, &table); err != nil {
		b.Fatal(err)
	}
	for _, p := range table.PartitionTable.Partitions {
		if start, ok := p.Start.(float64); ok && p.Node == image+"1" {
			return strconv.FormatInt(int64(start)*512, 10)
		}
	}
	b.Fatal("no partition 1")
	return ""
}

// BenchmarkUsers compares the diagnosis of a system of 1,000 users with one of 10.
func BenchmarkUsers(b *testing.B) {
	agent, few := setUp(b, addUsers(10))
	_, many := setUp(b, addUsers(1000))
	var short, long []time.Duration
	var peak int64
	for range b.N {
		for range rounds {
			d, _ := timed(b, inspect(agent, few))
			short = append(short, d)
			d, rss := timed(b, inspect(agent, many))
			long, peak = append(long, d), max(peak, rss)
		}
	}
	ratio := float64(median(long)) / float64(median(short))
	b.ReportMetric(ratio, "1000/10-users")
	b.ReportMetric(float64(median(long).Milliseconds()), "ms-1000-users")
	b.ReportMetric(float64(peak)/(1<<20), "MiB-peak")
	if ratio > maxUsersRatio || median(long) > maxUsersTime {
		b.Errorf("1,000 users take %v, %.1f times 10 users", median(long), ratio)
	}
	if peak > maxMemory {
		b.Errorf("1,000 users need %d MiB of memory, promised are %d", peak>>20, maxMemory>>20)
	}
}

// BenchmarkBinary reports the size of the static binary.
func BenchmarkBinary(b *testing.B) {
	var size int64
	for range b.N {
		info, err := os.Stat(build(b))
		if err != nil {
			b.Fatal(err)
		}
		size = info.Size()
	}
	b.ReportMetric(float64(size)/(1<<20), "MiB")
	if size > maxBinary {
		b.Errorf("the binary has %d MiB, promised are %d", size>>20, maxBinary>>20)
	}
}

func build(b *testing.B) string {
	b.Helper()
	out := filepath.Join(b.TempDir(), "regain-agent")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, "../cmd/regain-agent")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("cannot build the agent: %v\n%s", err, text)
	}
	return out
}

func setUp(b *testing.B, mutation testdisk.Mutation) (agent, image string) {
	b.Helper()
	testdisk.Need(b, "mmdebstrap", "losetup", "mount")
	image = filepath.Join(b.TempDir(), "disk.raw")
	if _, err := testdisk.NewImage(context.Background(), image, testdisk.Bookworm, testdisk.Small, testdisk.GPTExt4, mutation); err != nil {
		b.Fatal(err)
	}
	return build(b), image
}

// addUsers adds n users with a home and a key each.
func addUsers(n int) testdisk.Mutation {
	return func(root string) error {
		var passwd, shadow, group strings.Builder
		for i := range n {
			name, id := fmt.Sprintf("user%04d", i), 2000+i
			fmt.Fprintf(&passwd, "%s:x:%d:%d::/home/%s:/bin/bash\n", name, id, id, name)
			fmt.Fprintf(&shadow, "%s:!:19000:0:99999:7:::\n", name)
			fmt.Fprintf(&group, "%s:x:%d:\n", name, id)
			if err := addHome(filepath.Join(root, "home", name), id); err != nil {
				return err
			}
		}
		for file, text := range map[string]string{"passwd": passwd.String(), "shadow": shadow.String(), "group": group.String()} {
			if err := appendTo(filepath.Join(root, "etc", file), text); err != nil {
				return err
			}
		}
		return nil
	}
}

func addHome(home string, id int) error {
	dir := filepath.Join(home, ".ssh")
	file := filepath.Join(dir, "authorized_keys")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte("# empty\n"), 0o600); err != nil {
		return err
	}
	for _, p := range []string{home, dir, file} {
		if err := os.Chown(p, id, id); err != nil {
			return err
		}
	}
	return nil
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func copyOf(b *testing.B, image string) string {
	b.Helper()
	to := filepath.Join(b.TempDir(), "copy.raw")
	if out, err := exec.Command("cp", "--sparse=always", image, to).CombinedOutput(); err != nil {
		b.Fatalf("cannot copy the image: %v\n%s", err, out)
	}
	if err := exec.Command("sync", to).Run(); err != nil {
		b.Fatal(err)
	}
	return to
}

func rescue(b *testing.B, agent, image string, i int) *exec.Cmd {
	b.Helper()
	dir := b.TempDir()
	return exec.Command(agent, "rescue", "--image", image, "--user", "admin", "--store", fmt.Sprintf("file:%s/key%d", dir, i), "--state-dir", dir)
}

func inspect(agent, image string) *exec.Cmd { return exec.Command(agent, "diagnose", "--image", image) }

// timed runs a command and tells how long it took and its peak resident memory, in bytes.
func timed(b *testing.B, cmd *exec.Cmd) (time.Duration, int64) {
	b.Helper()
	start := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(start)
	if code := cmd.ProcessState.ExitCode(); err != nil && code != 4 {
		b.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return took, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
