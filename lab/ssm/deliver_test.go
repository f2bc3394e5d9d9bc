package ssm

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-77750964/regain/lab/machine"
	"github.com/seed-77750964/regain/lab/store"
)

// counting is a host that counts what it is told to run.
type counting int

func (n *counting) Run(context.Context, string, machine.Command, func(machine.Result)) error {
	*n++
	return nil
}

func (*counting) Cancel(string, string) error { return nil }

// TestDeliversOnce has two callers find the same command due: the second must see
// that the first was faster.
func TestDeliversOnce(t *testing.T) {
	file, err := store.Open[command](filepath.Join(t.TempDir(), "c.json"))
	if err != nil {
		t.Fatal(err)
	}
	c := command{ID: "c", Instances: []string{"i"}, Invocations: map[string]*invocation{"i": {Status: pending}}}
	if err := file.Update(func(stored *command) error { *stored = c; return nil }); err != nil {
		t.Fatal(err)
	}
	host := new(counting)
	s := &SSM{cfg: Config{Now: time.Now, Host: host}}
	for range 2 {
		if err := s.deliver(t.Context(), file, "i"); err != nil {
			t.Fatal(err)
		}
	}
	if *host != 1 {
		t.Errorf("it was run %d times", *host)
	}
}
