package offline

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Bounds of path resolution. MaxLinks is the kernel's own (path_resolution(7)).
const (
	maxLinks = 40
	maxDepth = 512
)

// Volume is a mounted foreign root with the filesystems that are mounted inside
// it. All paths are absolute and mean the tree's own root, however they are
// spelled; symbolic links, absolute ones too, resolve inside the tree.
//
// A Volume is not safe for concurrent use.
type Volume struct {
	// OnStep, when set, is told of each step of a write before it is taken:
	// tests cut the writer off there.
	OnStep func(step string)

	mounts  []mount // "/" first, deeper ones later
	absent  []string
	overlay map[string]*File // Preview: canonical path to the file as it would be; nil value: gone
	seen    *lookups
	patches map[string][]Patch // Preview: what is patched
	ntfs    bool
	denied  error // set: the volume refuses to write, and why
}

type mount struct {
	at string // canonical path of the mount point, "/" for the root
	fd int
}

// OpenVolume takes over root, a descriptor of the tree's root directory (of a
// detached mount, or of a directory), and closes it with the Volume.
func OpenVolume(root int) (*Volume, error) {
	dir, err := openBelow(root, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, fmt.Errorf("cannot open the root directory: %w", err)
	}
	unix.Close(root)
	return &Volume{mounts: []mount{{"/", dir}}, seen: newLookups()}, nil
}

// Mount puts the filesystem whose root directory is fd at the directory path.
// The Volume owns fd from here on, also after an error.
func (v *Volume) Mount(at string, fd int) error {
	defer unix.Close(fd)
	canonical, err := v.mountPoint(at)
	if err != nil {
		return fmt.Errorf("cannot mount at %q: %w", at, err)
	}
	dir, err := openBelow(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("cannot mount at %q: %w", at, err)
	}
	v.mounts = append(v.mounts, mount{canonical, dir})
	v.seen.forget()
	return nil
}

// mountPoint is where a mount point lies. In a tree that somebody mounted, its
// filesystem may stand there already, and cannot be entered before it is in the
// table.
func (v *Volume) mountPoint(at string) (string, error) {
	loc, err := v.resolve(at, true)
	if !errors.Is(err, ErrAbsentVolume) {
		return loc.path, err
	}
	parent, err := v.resolve(path.Dir(clean(at)), true)
	return path.Join(parent.path, path.Base(clean(at))), err
}

// MarkAbsent records that a filesystem which the system mounts at path is not
// attached: what the directory shows is hidden once the system runs, so every
// access at or below it fails with ErrAbsentVolume.
func (v *Volume) MarkAbsent(at string) {
	if canonical, err := v.ResolveMissing(at); err == nil { // links on the way to a mount point are followed
		at = canonical
	}
	v.absent = append(v.absent, clean(at))
	v.seen.forget()
}

// Absent lists the mount points marked with MarkAbsent.
func (v *Volume) Absent() []string { return v.absent }

// MountPoint is the mount point of the filesystem that holds the canonical path.
func (v *Volume) MountPoint(canonical string) string { return v.mountOf(canonical).at }

// Close closes the Volume's descriptors. Detached mounts go with them.
func (v *Volume) Close() error {
	var errs []error
	for i := len(v.mounts) - 1; i >= 0; i-- {
		errs = append(errs, unix.Close(v.mounts[i].fd))
	}
	v.mounts = nil
	return errors.Join(errs...)
}

func (v *Volume) mountOf(canonical string) mount {
	best := v.mounts[0]
	for _, m := range v.mounts[1:] {
		if below(canonical, m.at) && len(m.at) >= len(best.at) {
			best = m
		}
	}
	return best
}

// location is a name in the tree: canonical, so its directory holds no links.
type location struct {
	path string
	m    mount
	rel  string // below the mount's root; "." for the root itself
}

func (v *Volume) locate(canonical string) (location, error) {
	for _, a := range v.absent {
		if below(canonical, a) {
			return location{}, fmt.Errorf("%q: %w", canonical, ErrAbsentVolume)
		}
	}
	m := v.mountOf(canonical)
	rel := strings.TrimPrefix(strings.TrimPrefix(canonical, m.at), "/")
	if rel == "" {
		rel = "."
	}
	return location{canonical, m, rel}, nil
}

// resolve walks p component by component, as the kernel would, so that links
// resolve inside the tree and mount points of the Volume's own table are
// crossed. Nothing is decided by the spelling alone: ".." after a link leads
// above the link's target. The last component need not exist when its directory
// does.
func (v *Volume) resolve(p string, followLast bool) (location, error) {
	w := walk{v: v, at: "/", todo: strings.Split(p, "/")}
	for len(w.todo) > 0 {
		if w.steps++; w.steps > maxDepth*8 || len(w.todo) > maxDepth {
			return location{}, ErrLoop
		}
		if err := w.step(followLast); err != nil {
			return location{}, err
		}
	}
	return v.locate(w.at)
}

// walk is a resolution under way: at is canonical, and a directory while there
// is something to do.
type walk struct {
	v            *Volume
	at           string
	todo         []string
	links, steps int
}

func (w *walk) step(followLast bool) error {
	name, rest := w.todo[0], w.todo[1:]
	w.todo = rest
	switch name {
	case "", ".":
		return nil
	case "..":
		w.at = path.Dir(w.at)
		return nil
	}
	if w.v.ntfs {
		var err error
		if name, err = w.v.spelling(w.at, name); err != nil {
			return err
		}
	}
	next := path.Join(w.at, name)
	info, err := w.v.lstatCanonical(next)
	switch {
	case isNotExist(err) && onlyEmpty(rest):
		w.at, w.todo = next, nil
		return nil
	case err != nil:
		return err
	case w.v.ntfs && (len(rest) > 0 || followLast):
		if err := w.v.passable(next, info); err != nil {
			return err
		}
	case info.Kind == Symlink && (len(rest) > 0 || followLast):
		return w.follow(next)
	}
	if info.Kind != Dir && len(rest) > 0 { // a slash at the end wants a directory too
		return fmt.Errorf("%q: %w", next, ErrNotDir)
	}
	w.at = next
	return nil
}

func (w *walk) follow(link string) error {
	if w.links++; w.links > maxLinks {
		return ErrLoop
	}
	target, err := w.v.readlinkCanonical(link)
	if err != nil {
		return err
	}
	if target == "" { // only on a damaged disk
		return notExist("follow", link)
	}
	if strings.HasPrefix(target, "/") {
		w.at = "/"
	}
	w.todo = append(strings.Split(target, "/"), w.todo...)
	return nil
}

func onlyEmpty(parts []string) bool {
	for _, p := range parts {
		if p != "" && p != "." {
			return false
		}
	}
	return true
}

// below tells whether the canonical path p is dir or lies below it.
func below(p, dir string) bool {
	return dir == "/" || p == dir || strings.HasPrefix(p, dir+"/")
}

// Bind shows the directory source at the directory at as well, as mount --bind does.
func (v *Volume) Bind(source, at string) error {
	loc, err := v.resolve(source, true)
	if err != nil {
		return fmt.Errorf("cannot bind %q: %w", source, err)
	}
	fd, err := v.openLocation(loc, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW)
	if err != nil {
		return fmt.Errorf("cannot bind %q: %w", source, err)
	}
	return v.Mount(at, fd)
}
