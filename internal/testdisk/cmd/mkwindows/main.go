// Mkwindows writes a raw disk image with what a password reset looks at on a
// Windows Server: NTFS, registry hives, a launch agent that has done its work.
// Nothing on it is from Microsoft or Amazon, and it boots in the lab alone.
// It is for demos and for trying things by hand, and imports only testdisk.
//
//	go run ./internal/testdisk/cmd/mkwindows -release 2022 -agent ec2launch-v2 -o disk.raw
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
)

// size has room for what the agents and a reset write.
const size = 256 << 20

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := mkwindows(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mkwindows:", err)
		os.Exit(1)
	}
}

func mkwindows(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("mkwindows", flag.ContinueOnError)
	release := flags.String("release", "2022", "Windows Server: one of "+strings.Join(windows.Releases(), ", "))
	agents := flags.String("agent", windows.EC2LaunchV2, "comma-separated launch agents, of "+strings.Join(windows.Agents(), ", "))
	core := flags.Bool("core", false, "without a desktop")
	armed := flags.Bool("armed", false, "it sets a password at its next start, without a reset")
	out := flags.String("o", "", "file to write; it must not exist")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" {
		return fmt.Errorf("cannot write a disk without -o FILE")
	}
	m := windows.Machine{Release: *release, Core: *core}
	for kind := range strings.SplitSeq(*agents, ",") {
		m.Agents = append(m.Agents, windows.Agent{Kind: kind, Armed: *armed})
	}
	_, err := testdisk.NewNTFSDisk(ctx, *out, size, func(root string) error { return m.Write(ctx, root) })
	return err
}
