package testdisk

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
)

func TestCached(t *testing.T) {
	t.Setenv("REGAIN_CACHE", t.TempDir())
	var builds atomic.Int32
	build := func(tmp string) error {
		builds.Add(1)
		return os.WriteFile(tmp, []byte("made"), 0o600)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			path, err := cached("thing", build)
			if err != nil {
				t.Error(err)
			} else if text, err := os.ReadFile(path); err != nil || string(text) != "made" {
				t.Errorf("got %q and %v", text, err)
			}
		})
	}
	all.Wait()
	if n := builds.Load(); n != 1 {
		t.Errorf("built %d times, want once", n)
	}
}

func TestCachedForgetsAFailedBuild(t *testing.T) {
	t.Setenv("REGAIN_CACHE", t.TempDir())
	broken := errors.New("mirror is down")
	_, err := cached("thing", func(tmp string) error {
		return errors.Join(os.WriteFile(tmp, []byte("half"), 0o600), broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want the builder's error", err)
	}
	path, err := cached("thing", func(tmp string) error { return os.WriteFile(tmp, []byte("whole"), 0o600) })
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(path); string(text) != "whole" {
		t.Errorf("got %q", text)
	}
}

func TestKey(t *testing.T) {
	if key("ab", "c") == key("a", "bc") {
		t.Error("other inputs have the same key")
	}
	first := key("a", "b")
	if again := key("a", "b"); first != again {
		t.Errorf("the same inputs have the keys %s and %s", first, again)
	}
}
