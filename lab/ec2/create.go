package ec2

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	labimage "github.com/seed-77750964/regain/lab/image"
	"github.com/seed-77750964/regain/lab/machine"
)

// A Spec is an instance as one may find it in an account, with all that a rescue
// has to look out for. The zero value of a field is what most instances have.
type Spec struct {
	ID           string // made up if empty
	Image        string // a raw image, which is copied to the root volume
	Platform     string // linux or windows
	KeyName      string
	Stopped      bool
	Type         string // t3.micro, or t4g.micro for arm64
	Arch         string // x86_64
	RootDevice   string // /dev/xvda, or /dev/sda1 for Windows
	RootKeeps    bool   // the root volume outlives the instance
	Volumes      []Disk // beside the root
	Encrypted    bool
	Key          string   // of encrypted volumes: id, ARN or alias; the account's default if empty
	Spot         string   // stop or terminate: what an interruption does
	Hibernation  bool     // it is enabled
	ProductCodes []string // of the root volume
	NoStop       bool     // stop protection
	NoTerminate  bool     // termination protection
	Shutdown     string   // stop or terminate: what a shutdown from inside does
	ElasticIP    bool
	Public       *bool // an automatic public address; the subnet decides if nil
	Tags         map[string]string
	StoreRoot    bool   // the root lies in instance storage
	Operator     string // the service that manages the instance
	Subnet, Zone string
	Groups       []string
	Profile      string // instance profile, name or ARN
}

// A Disk is a volume beside the root.
type Disk struct {
	Device string
	Image  string // copied if not empty
	Size   int    // GiB; an image's own size is the least
	Keeps  bool   // it outlives the instance
}

// Create adds an instance to the account, and starts it unless it is to be stopped.
func (e *EC2) Create(ctx context.Context, s Spec) (string, error) {
	l, files, err := e.stage(ctx, s)
	id := ""
	if err == nil {
		err = e.change(func(a *account, now time.Time) error {
			id, err = e.adopt(ctx, a, l, s, now)
			return err
		})
	}
	if err != nil {
		for _, f := range files {
			_ = os.Remove(f) // a file that stays is swept at the next start
		}
		return "", fmt.Errorf("cannot create instance: %w", err)
	}
	return id, nil
}

// adopt adds the instance with its volumes, which are attached from the start.
func (e *EC2) adopt(ctx context.Context, a *account, l launch, s Spec, now time.Time) (string, error) {
	i, err := e.add(a, l, now)
	if err != nil {
		return "", err
	}
	for _, v := range a.volumesOf(i) {
		v.Attachment.State = "attached"
	}
	if len(s.Tags) > 0 {
		a.Tags[i.ID] = maps.Clone(s.Tags)
	}
	if s.ElasticIP {
		e.bind(a, e.newAddress(a), i)
	}
	if !s.Stopped {
		e.boot(ctx, a, i, now)
	}
	return i.ID, nil
}

// stage checks a Spec and copies its images to where the new volumes will be.
func (e *EC2) stage(ctx context.Context, s Spec) (l launch, files []string, err error) {
	if l, err = e.foundAs(s); err != nil {
		return l, nil, err
	}
	if !s.Encrypted {
		s.Key = ""
	}
	for n, d := range append([]Disk{{Device: l.RootDevice, Image: s.Image, Keeps: s.RootKeeps}}, s.Volumes...) {
		v := volume{ID: e.newID("vol"), Size: d.Size, Type: "gp3", Encrypted: s.Encrypted, Filled: true}
		path := e.volumePath(v.ID)
		if n == 0 {
			v.ProductCodes = s.ProductCodes
		}
		if n == 0 && s.StoreRoot {
			path = e.volumePath(l.ID + "-root")
			l.StoreRoot = path
		}
		files = append(files, path)
		if d.Image == "" {
			err = labimage.Create(path, int64(d.Size)<<30)
		} else {
			v.Size, err = copyWhole(ctx, d, path)
		}
		if err != nil {
			return l, files, err
		}
		if path != l.StoreRoot {
			l.devices = append(l.devices, launchDevice{v, s.Key, d.Device, !d.Keeps})
		}
	}
	return l, files, nil
}

// copyWhole copies an image and makes it a whole number of GiB, as volumes are.
func copyWhole(ctx context.Context, d Disk, path string) (int, error) {
	if err := labimage.Copy(ctx, d.Image, path); err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	gib := max(d.Size, int((info.Size()+1<<30-1)>>30), 1)
	return gib, labimage.Grow(path, int64(gib)<<30)
}

// foundAs is the instance that a Spec describes, without volumes.
func (e *EC2) foundAs(s Spec) (launch, error) {
	l := launch{public: s.Public, instance: instance{
		ID: cmp.Or(s.ID, e.newID("i")), Reservation: e.newID("r"), Image: e.newID("ami"), Kind: machine.Guest, KeyName: s.KeyName,
		Type: cmp.Or(s.Type, map[string]string{"arm64": "t4g.micro"}[s.Arch], "t3.micro"), Arch: cmp.Or(s.Arch, "x86_64"),
		Platform: strings.TrimPrefix(s.Platform, "linux"), NoStop: s.NoStop, NoTerminate: s.NoTerminate, Shutdown: s.Shutdown,
		RootDevice: cmp.Or(s.RootDevice, map[string]string{"windows": "/dev/sda1"}[s.Platform], "/dev/xvda"),
		Spot:       s.Spot, Hibernation: s.Hibernation, Operator: s.Operator, Subnet: s.Subnet, Zone: s.Zone, Groups: s.Groups,
	}}
	if s.Profile != "" {
		var ok bool
		if l.Profile, l.Role, ok = e.Roles.Profile(s.Profile); !ok {
			return l, fmt.Errorf("there is no instance profile %s", s.Profile)
		}
	}
	return l, s.check(l)
}

func (s Spec) check(l launch) error {
	if err := errors.Join(checkID(l.ID, instanceKind), checkTags(nil, s.Tags)); err != nil {
		return err
	}
	t := typeOf(l.Type)
	oneOf := func(value string, choices ...string) bool { return value == "" || slices.Contains(choices, value) }
	switch {
	case t.Name == "":
		return fmt.Errorf("there is no instance type %s", l.Type)
	case !slices.Contains(t.Archs, l.Arch):
		return fmt.Errorf("the instance type %s has not the architecture %s", l.Type, l.Arch)
	case !oneOf(s.Platform, "linux", "windows"):
		return fmt.Errorf("the platform is linux or windows, not %q", s.Platform)
	case !oneOf(s.Spot, "stop", "terminate"):
		return fmt.Errorf("the Spot behaviour is stop or terminate, not %q", s.Spot)
	case !oneOf(s.Shutdown, "stop", "terminate"):
		return fmt.Errorf("the shutdown behaviour is stop or terminate, not %q", s.Shutdown)
	case s.StoreRoot && s.Stopped:
		return fmt.Errorf("an instance whose root is in instance storage cannot be stopped")
	case s.Image == "":
		return fmt.Errorf("it needs an image")
	}
	return nil
}
