package source

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// The errors of Volume on which callers decide.
var (
	// ErrVolumeID means that what was given is not the id of an EBS volume.
	ErrVolumeID = errors.New("not a volume id")
	// ErrNoVolume means that the volume did not appear.
	ErrNoVolume = errors.New("volume is not attached here")
	// ErrNoSerial means that this helper's disks do not tell which volume they are (Xen).
	ErrNoSerial = errors.New("the disks of this instance carry no volume ids")
)

// ebsModel is how an EBS volume calls itself on NVMe; an instance store volume
// says "Amazon EC2 NVMe Instance Storage".
const ebsModel = "Amazon Elastic Block Store"

// volumeID allows the ids of 17 digits and those of 8 from before 2016.
var volumeID = regexp.MustCompile(`^vol-([0-9a-f]{17}|[0-9a-f]{8})$`)

func checkVolumeID(id string) error {
	hint := "want vol- and 17 (formerly 8) lower-case hexadecimal digits"
	lower := strings.ToLower(strings.TrimSpace(id))
	switch dashed := strings.Replace(lower, "vol", "vol-", 1); {
	case volumeID.MatchString(id):
		return nil
	case volumeID.MatchString(lower):
		hint = "did you mean " + lower + "?"
	case volumeID.MatchString(dashed):
		hint = "did you mean " + dashed + "?"
	case strings.HasPrefix(lower, "/"):
		hint = "it looks like a path; name a device or image as such"
	case strings.HasPrefix(lower, "i-"):
		hint = "it looks like an instance id; name the instance's root volume"
	case strings.HasPrefix(lower, "snap-"):
		hint = "it looks like a snapshot id; make a volume from it first"
	}
	return fmt.Errorf("cannot find volume %q: %w: %s", id, ErrVolumeID, hint)
}

// Volume returns the path of the block device that is the EBS volume. It goes
// by the serial number that the volume itself reports, or a link in by-id that
// udev made from it, never by the order of nvme names, and looks again until
// wait is over. progress, which may be nil, is told each time the attached
// volumes change.
func (f Finder) Volume(ctx context.Context, id string, wait time.Duration, progress func(string)) (string, error) {
	if err := checkVolumeID(id); err != nil {
		return "", err
	}
	f = f.filled()
	if progress == nil {
		progress = func(string) {}
	}
	waiting, cancel := context.WithTimeout(ctx, max(wait, 0))
	defer cancel()
	ticker := time.NewTicker(f.Every)
	defer ticker.Stop()
	for last := ""; ; {
		found, err := f.look(id)
		switch {
		case err != nil:
			return "", fmt.Errorf("cannot find volume %s: %w", id, err)
		case found.path != "" && found.note != "":
			progress(found.note)
			return found.path, nil
		case found.path != "":
			return found.path, nil
		case found.seen != last && wait > 0:
			last = found.seen
			progress(fmt.Sprintf("waiting for %s; attached now: %s", id, last))
		}
		select {
		case <-ticker.C:
		case <-waiting.Done():
			if ctx.Err() != nil {
				return "", fmt.Errorf("cannot find volume %s: %w", id, ctx.Err())
			}
			return "", fmt.Errorf("cannot find volume %s: %w after %s; attached are: %s", id, ErrNoVolume, wait, found.seen)
		}
	}
}

// look is one look at the disks. A finding without a path means not yet.
func (f Finder) look(id string) (finding, error) {
	tree, err := readTree(f.Sys)
	if err != nil {
		return finding{}, err
	}
	disks := f.disks(tree)
	seen := finding{seen: describe(disks)}
	found, how, err := f.choose(id, disks)
	if err != nil || found == nil {
		return seen, err
	}
	if f.Bytes != 0 && found.size != f.Bytes {
		return seen, fmt.Errorf("%s has %d bytes, the volume %d", found.name, found.size, f.Bytes)
	}
	path := filepath.Join(f.Dev, strings.ReplaceAll(found.name, "!", "/"))
	number, err := deviceNumber(path)
	switch {
	case errors.Is(err, errNoNode):
		seen.seen += " (" + path + " is not there yet)"
		return seen, nil
	case err != nil:
		return seen, err
	case number != found.number:
		return seen, fmt.Errorf("%s is device %s, but %s is %s", path, number, found.name, found.number)
	}
	return finding{path: path, note: how}, nil
}

type finding struct {
	path string
	note string // what the caller should know about how it was found
	seen string // what is attached instead
}

// choose picks the disk by its own word, then by udev's, then by the attach
// name. nil: none of them yet.
func (f Finder) choose(id string, disks []disk) (*disk, string, error) {
	found, err := bySerial(id, disks)
	if found != nil || err != nil {
		return found, "", err
	}
	if found, err = f.byLink(id, disks); found != nil || err != nil {
		return found, "", err
	}
	return f.byAttachName(id, disks)
}
