package conf

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// The host's own sshd: what readelf says of its segments.
func TestCodeOfAgreesWithReadelf(t *testing.T) {
	out, err := exec.Command("readelf", "--program-headers", "--wide", "/usr/sbin/sshd").Output()
	if err != nil {
		if os.Getenv("REGAIN_MUST_RUN") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	m := regexp.MustCompile(`LOAD +0x([0-9a-f]+) \S+ \S+ 0x([0-9a-f]+) \S+ R E`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("no code in\n%s", out)
	}
	from, _ := strconv.ParseInt(string(m[1]), 16, 64)
	length, _ := strconv.ParseInt(string(m[2]), 16, 64)
	data, err := os.ReadFile("/usr/sbin/sshd")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := codeIn(t, data), (span{from, from + length}); got != want {
		t.Errorf("code at %+v, readelf says %+v", got, want)
	}
}

// Headers that make no sense hide nothing from the scan.
func TestCodeOfDamagedHeaders(t *testing.T) {
	header := func(change func(b []byte)) []byte {
		b := make([]byte, 4096)
		copy(b, "\x7fELF\x02\x01\x01")
		order := binary.LittleEndian
		order.PutUint64(b[32:], 64)
		order.PutUint16(b[54:], 56)
		order.PutUint16(b[56:], 3)
		for i, flags := range []uint32{4, 5, 4} {
			h := b[64+56*i:]
			order.PutUint32(h, 1)
			order.PutUint32(h[4:], flags)
			order.PutUint64(h[8:], uint64(i)*1024)
			order.PutUint64(h[32:], 1024)
		}
		change(b)
		return b
	}
	if got := codeIn(t, header(func([]byte) {})); got != (span{1024, 2048}) {
		t.Fatalf("sound: %+v", got)
	}
	for name, change := range map[string]func(b []byte){
		"no ELF":          func(b []byte) { b[0] = 0 },
		"32 bits":         func(b []byte) { b[4] = 1 },
		"big endian":      func(b []byte) { b[5] = 2 },
		"table elsewhere": func(b []byte) { binary.LittleEndian.PutUint64(b[32:], 1<<40) },
		"odd entries":     func(b []byte) { binary.LittleEndian.PutUint16(b[54:], 32) },
		"many entries":    func(b []byte) { binary.LittleEndian.PutUint16(b[56:], 60000) },
		"cut off":         func(b []byte) { binary.LittleEndian.PutUint64(b[32:], 4090) },
		"two codes":       func(b []byte) { b[64+4] = 5 },
		"one segment":     func(b []byte) { b[64+112] = 0 },
		"huge code":       func(b []byte) { binary.LittleEndian.PutUint64(b[64+56+32:], 1<<62) },
	} {
		if got := codeIn(t, header(change)); got != (span{}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func codeIn(t *testing.T, data []byte) span {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sshd"), data, 0o755); err != nil {
		t.Fatal(err)
	}
	return codeOf(openVolume(t, dir), "/sshd")
}
