package access

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/sshkey"
)

// Modes of what regain creates, in octal: the user's alone below a home, and
// root's, readable for the user under whose uid sshd opens it, elsewhere.
const (
	userDirMode  = 0o700
	userFileMode = 0o600
	rootDirMode  = 0o755
	rootFileMode = 0o644
)

// UnfitError says why a path cannot take the key.
type UnfitError struct {
	Path string
	Why  string
}

func (e *UnfitError) Error() string { return fmt.Sprintf("%q cannot take the key: %s", e.Path, e.Why) }

// place puts the key into the file at the canonical path, with the directories
// that lead to it.
func (d *draft) place(canonical string, own owner, w Wish) error {
	if err := d.makeDirs(path.Dir(canonical), own); err != nil {
		return err
	}
	f, err := d.file(canonical)
	if err != nil {
		return &UnfitError{canonical, "it is not a regular file"}
	}
	if f == nil {
		data, err := addKey(nil, w, false)
		if err != nil {
			return err
		}
		return d.create(canonical, newFile(canonical, own, data), "a file for the key")
	}
	if f.Kind != offline.Regular {
		return &UnfitError{canonical, "a directory stands in its place"}
	}
	if err := d.mayAddTo(canonical, f, own); err != nil {
		return err
	}
	if f.Data, err = addKey(f.Data, w, false); err != nil {
		return err
	}
	return d.set(canonical, f.File, "add the key")
}

// mayAddTo guards files that only pose as key files: what a link in the home
// leads to, or a hard link of somebody else's file, may be anything.
func (d *draft) mayAddTo(canonical string, f *editable, own owner) error {
	if d.linked(canonical) && f.UID != own.uid {
		return &UnfitError{canonical, "it has further names (hard links) and is not the user's own"}
	}
	if own.owns(canonical) && f.UID == own.uid {
		return nil
	}
	if line := f.firstJunk(); line > 0 {
		return &UnfitError{canonical, fmt.Sprintf("it is not the user's own, and line %d is no key", line)}
	}
	return nil
}

// firstJunk is the number of the first line that is neither key nor comment nor
// blank; 0: there is none.
func (f *editable) firstJunk() int {
	for _, line := range sshkey.Parse(f.Data).Lines {
		if line.Kind == sshkey.Junk {
			return line.Number
		}
	}
	return 0
}

// mayFollow guards what a link in the home leads to, outside of it. The user
// says where that is, and root would write there: it is used only where the
// user could have made the file, or where it holds keys already.
func (d *draft) mayFollow(canonical string, own owner) error {
	f, err := d.file(canonical)
	if err != nil || path.Dir(canonical) == fallbackDir { // which is each user's by name
		return &UnfitError{canonical, "it is not a file that a user's link may name"}
	}
	if f == nil {
		for dir := canonical; f == nil && err == nil && dir != "/"; {
			dir = path.Dir(dir)
			f, err = d.file(dir)
		}
		if err != nil || f == nil || f.UID != own.uid {
			return &UnfitError{canonical, "a link in the home leads to it, and the user could not make a file there"}
		}
		return nil
	}
	holdsKey := slices.ContainsFunc(sshkey.Parse(f.Data).Lines, func(l sshkey.Line) bool { return l.Kind == sshkey.Key })
	switch {
	case f.Kind != offline.Regular || f.UID == own.uid:
		return nil
	case f.UID != 0:
		return &UnfitError{canonical, "a link in the home leads to it, and it is somebody else's"}
	case !holdsKey && f.firstJunk() == 0:
		return &UnfitError{canonical, "a link in the home leads to it, it is not the user's own, and holds no key"}
	}
	return nil
}

func newFile(canonical string, own owner, data []byte) *offline.File {
	if own.owns(canonical) {
		return &offline.File{Kind: offline.Regular, Data: data, Mode: userFileMode, UID: own.uid, GID: own.gid}
	}
	return &offline.File{Kind: offline.Regular, Data: data, Mode: rootFileMode}
}

// makeDirs creates what is missing of the directory's path, but never a home:
// that is for the system's own tools, with all that belongs in it.
func (d *draft) makeDirs(dir string, own owner) error {
	f, err := d.file(dir)
	if err != nil {
		return &UnfitError{dir, "something else stands where a directory is needed"}
	}
	if f != nil && f.Kind == offline.Dir {
		return nil
	}
	if f != nil {
		return &UnfitError{dir, "a file stands where a directory is needed"}
	}
	if own.home == dir || strings.HasPrefix(own.home, dir+"/") {
		return &UnfitError{own.home, "the home directory does not exist"}
	}
	if err := d.makeDirs(path.Dir(dir), own); err != nil {
		return err
	}
	made := &offline.File{Kind: offline.Dir, Mode: rootDirMode}
	if own.owns(dir) {
		made = &offline.File{Kind: offline.Dir, Mode: userDirMode, UID: own.uid, GID: own.gid}
	}
	return d.create(dir, made, "a directory for the key file")
}

// Marker is the comment line that stands before a key which a run has added.
func Marker(run string) string { return "# regain run " + run }

// markedRun reads the run from a marker line.
func markedRun(line []byte) (string, bool) {
	run, ok := strings.CutPrefix(string(bytes.TrimRight(line, "\r")), Marker(""))
	return run, ok && run != "" && !strings.ContainsAny(run, " \t")
}

// addKey adds marker and key on lines of their own: at the end, or before all
// others where an earlier line for the same key would win.
func addKey(old []byte, w Wish, first bool) ([]byte, error) {
	marker, line := []byte(Marker(w.Run)), sshkey.FormatLine(w.Options, w.Key, string(w.Key.Comment))
	if first {
		return append(append(append(append(marker, '\n'), line...), '\n'), old...), nil
	}
	f, err := sshkey.Parse(old).Append(marker, line)
	if err != nil {
		return nil, fmt.Errorf("cannot add the key: %w", err)
	}
	return f.Bytes(), nil
}

// Previous is a key that an earlier run has left in a file.
type Previous struct {
	Path        string
	Line        int // of the key
	Run         string
	Fingerprint string
	Key         sshkey.Public
}

// previousIn lists the keys that runs of regain have added to a file: a marker,
// and the key on the next line.
func previousIn(canonical string, data []byte) []Previous {
	lines := sshkey.Parse(data).Lines
	var found []Previous
	for i := 1; i < len(lines); i++ {
		run, ok := markedRun(lines[i-1].Raw)
		if ok && lines[i].Key != nil {
			found = append(found, Previous{canonical, lines[i].Number, run, lines[i].Key.Fingerprint(), *lines[i].Key})
		}
	}
	return found
}

// withoutPrevious takes the earlier runs' keys out, with their markers, except keep.
func withoutPrevious(data []byte, keep sshkey.Public) []byte {
	f := sshkey.Parse(data)
	previous := previousIn("", data)
	for i := len(previous) - 1; i >= 0; i-- { // from the end, so that the numbers before stay true
		if p := previous[i]; !p.Key.Equal(keep) {
			f = sshkey.Remove(sshkey.Remove(f, p.Line), p.Line-1)
		}
	}
	return f.Bytes()
}
