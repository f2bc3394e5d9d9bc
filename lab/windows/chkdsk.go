package windows

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

// checkDisk is what Windows does to a volume that was not closed in order, or that is
// marked for it: it repairs the volume. Here ntfsfix does.
func (x *session) checkDisk(ctx context.Context, device string) error {
	why, err := disorder(ctx, device)
	if err != nil || why == "" {
		return err
	}
	if err := x.console.write("machine: chkdsk: " + why + "; it is repaired\n"); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "ntfsfix", "--clear-dirty", device).CombinedOutput(); err != nil {
		return fmt.Errorf("the volume is not in order: ntfsfix: %w: %s", err, bytes.TrimSpace(out))
	}
	if why, err = disorder(ctx, device); err == nil && why != "" {
		err = errors.New("the volume is not in order: " + why)
	}
	return err
}

// disorder is what a repair is needed for; empty: it is not. What no repair helps against
// is an error: the lab cannot resume a hibernated system.
func disorder(ctx context.Context, device string) (why string, err error) {
	out, err := exec.CommandContext(ctx, "ntfs-3g.probe", "--readwrite", device).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		const inconsistent, unclean = 13, 15 // ntfs-3g.probe(8)
		switch exit.ExitCode() {
		case inconsistent:
			return "the volume is inconsistent", nil
		case unclean:
			return "the volume was not closed", nil
		}
	}
	if err != nil {
		return "", fmt.Errorf("the volume is not in order: ntfs-3g.probe: %w: %s", err, bytes.TrimSpace(out))
	}
	out, err = exec.CommandContext(ctx, "ntfsinfo", "--force", "--mft", device).Output()
	if err != nil {
		return "", fmt.Errorf("cannot look at the volume: ntfsinfo: %w", err)
	}
	found := volumeFlags.FindSubmatch(out)
	if found == nil {
		return "", errors.New("cannot look at the volume: ntfsinfo tells no flags")
	}
	const dirty = 1
	flags, err := strconv.ParseUint(string(found[1]), 16, 16)
	if flags&dirty != 0 {
		why = "the volume is marked as dirty"
	}
	return why, err
}

// volumeFlags are those that ntfsinfo prints.
var volumeFlags = regexp.MustCompile(`Volume Flags:\s*0x([0-9A-Fa-f]+)`)
