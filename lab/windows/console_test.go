package windows

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestConsole: lines end as on a serial port, and the last 64 KiB are shown.
func TestConsole(t *testing.T) {
	c := &console{path: filepath.Join(t.TempDir(), "console.log"), now: func() time.Time { return time.Unix(0, 0) }}
	if tail(c.path) != "" {
		t.Error("a console shows something before anything was written")
	}
	if err := c.say("one %d", 2); err != nil {
		t.Fatal(err)
	}
	if got := tail(c.path); got != "1970/01/01 00:00:00Z: one 2\r\n" {
		t.Errorf("it shows %q", got)
	}
	if err := os.WriteFile(c.path, []byte("first"+strings.Repeat("x", 64<<10-4)+"last"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := tail(c.path); len(got) != 64<<10 || !strings.HasSuffix(got, "xlast") || strings.Contains(got, "first") {
		t.Errorf("it shows %d bytes", len(got))
	}
}

// TestRest: who rests is not woken, and who works is waited for.
func TestRest(t *testing.T) {
	c := &console{}
	worked := false
	err := c.during(func() error {
		worked = c.rest()
		return nil
	})
	if err != nil || !worked || c.rest() {
		t.Errorf("work is not seen, or seen too long: %v", err)
	}
	if err := c.during(func() error { t.Error("it works"); return nil }); err != nil {
		t.Error(err)
	}
}
