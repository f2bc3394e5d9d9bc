package e2e

import (
	"context"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
)

// newKey makes a pair of keys, and returns the private half's file.
func newKey(t testing.TB) string {
	t.Helper()
	path, err := testdisk.NewKey(context.Background(), t.TempDir(), "key", "ed25519")
	if err != nil {
		t.Fatal(err)
	}
	return path
}
