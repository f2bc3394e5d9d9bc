// Bootlogin boots a disk image in QEMU, logs in over SSH with a key, prints what
// the machine answers and turns it off. The image is not changed. It is for demos
// and for trying things by hand, and imports only testdisk.
//
//	go run ./internal/testdisk/cmd/bootlogin -image disk.raw -layout gpt-ext4 -user admin -key key
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk"
)

// question is what an operator wants to see: who am I, where, and can I repair it.
const question = "id; uname -srn; uptime -p; sudo -n true && echo 'sudo works'"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bootlogin(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bootlogin:", err)
		os.Exit(1)
	}
}

func bootlogin(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bootlogin", flag.ContinueOnError)
	image := flags.String("image", "", "raw disk image")
	layout := flags.String("layout", string(testdisk.GPTExt4), fmt.Sprintf("one of %v", testdisk.Layouts()))
	user := flags.String("user", "admin", "user to log in as")
	key := flags.String("key", "", "file with the private key")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *image == "" || *key == "" {
		return errors.New("cannot boot without -image FILE and -key FILE")
	}
	img := &testdisk.Image{Path: *image, Layout: testdisk.Layout(*layout)}
	start := time.Now()
	machine, err := img.Boot(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("sshd greets after %.1f s\n", time.Since(start).Seconds())
	err = ask(ctx, machine, *user, *key, start)
	return errors.Join(err, machine.Close())
}

func ask(ctx context.Context, machine *testdisk.Machine, user, key string, start time.Time) error {
	got, err := machine.Login(ctx, user, key, question)
	if err != nil {
		return err
	}
	if !got.OK {
		return fmt.Errorf("cannot log in as %s:\n%s\nlast words of the console:\n%s", user, got.Stderr, lastLines(machine.Console(), 15))
	}
	fmt.Printf("logged in as %s after %.1f s:\n", user, time.Since(start).Seconds())
	for line := range strings.Lines(got.Stdout) {
		fmt.Print("    ", line)
	}
	return nil
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
