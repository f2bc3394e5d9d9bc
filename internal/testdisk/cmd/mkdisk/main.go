// Mkdisk writes a raw disk image with a bootable Debian root, locked out as asked.
// It is for demos and for trying things by hand, and imports only testdisk.
//
//	go run ./internal/testdisk/cmd/mkdisk -suite bookworm -layout gpt-ext4 -break lost-key,ssh-dir -o disk.raw
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/seed-77750964/regain/internal/testdisk"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := mkdisk(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mkdisk:", err)
		os.Exit(1)
	}
}

func mkdisk(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("mkdisk", flag.ContinueOnError)
	suite := flags.String("suite", string(testdisk.Bookworm), "Debian release: bookworm or trixie")
	flavour := flags.String("flavour", string(testdisk.Full), "full boots, small is enough for a chroot")
	layout := flags.String("layout", string(testdisk.GPTExt4), fmt.Sprintf("one of %v", testdisk.Layouts()))
	breaks := flags.String("break", "", "comma-separated ways to be locked out, see -list")
	list := flags.Bool("list", false, "print the ways to be locked out and end")
	out := flags.String("o", "", "file to write; it must not exist")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *list {
		for _, b := range testdisk.Breakages() {
			fmt.Printf("%-12s %s\n", b.Name, b.About)
		}
		return nil
	}
	if *out == "" {
		return fmt.Errorf("cannot write a disk without -o FILE")
	}
	mutations, err := testdisk.BreakagesNamed(*breaks)
	if err != nil {
		return err
	}
	_, err = testdisk.NewImage(ctx, *out, testdisk.Suite(*suite), testdisk.Flavour(*flavour), testdisk.Layout(*layout), mutations...)
	return err
}
