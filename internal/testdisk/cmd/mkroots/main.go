// Mkroots builds the Debian roots that the tests want, so that their time does not
// count as a test's. It imports only testdisk.
//
//	go run ./internal/testdisk/cmd/mkroots bookworm/small trixie/small bookworm/full
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := mkroots(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mkroots:", err)
		os.Exit(1)
	}
}

// mkroots builds them side by side: half of the time is spent in single-threaded
// dpkg.
func mkroots(ctx context.Context, names []string) error {
	errs := make(chan error, len(names))
	for _, name := range names {
		go func() { errs <- mkroot(ctx, name) }()
	}
	var all error
	for range names {
		all = errors.Join(all, <-errs)
	}
	return all
}

func mkroot(ctx context.Context, name string) error {
	suite, flavour, ok := strings.Cut(name, "/")
	if !ok {
		return fmt.Errorf("cannot build %q: want SUITE/FLAVOUR", name)
	}
	start := time.Now()
	path, err := testdisk.Tarball(ctx, testdisk.Suite(suite), testdisk.Flavour(flavour))
	if err != nil {
		return err
	}
	fmt.Printf("%s after %.1f s\n", path, time.Since(start).Seconds())
	return nil
}
