// Package journal keeps, on the helper, what a run needs to be taken back: the
// changes with their before-images, written and synced before the first of them
// reaches the volume, and the facts of how far the run came.
//
// One run is one file of JSON lines, <state-dir>/<run>.jsonl, readable by root
// alone. A torn last line, which a crash leaves, is dropped. The package knows
// nothing of volumes; it never stores a private key, since no Change holds one.
package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-77750964/regain/offline"
)

// Version is the format of the journal.
const Version = 1

// Patient says which volume a run worked on, so that it is never taken back on another.
type Patient struct {
	Volume   string `json:"volume,omitempty"`    // vol-…
	Instance string `json:"instance,omitempty"`  // i-…
	RootUUID string `json:"root_uuid,omitempty"` // of the root filesystem; empty for --root
	Subvol   string `json:"subvol,omitempty"`
	Root     string `json:"root,omitempty"` // the directory, for --root
	Born     string `json:"born,omitempty"` // when that was made, where known
	Path     string `json:"path,omitempty"` // of the image, device or directory
	// Mounts are the mount points inside the tree below which the run's changes lie.
	Mounts []string `json:"mounts,omitempty"`
}

// SamePlace tells whether the volume is, as far as can be told, not only the
// same filesystem but the same copy of it.
func (p Patient) SamePlace(q Patient) bool {
	if p.Volume != "" && q.Volume != "" {
		return p.Volume == q.Volume
	}
	return p.Path == q.Path
}

// Same tells whether two records mean one volume. The root filesystem's UUID
// decides; two volumes that carry the same one are told apart by volume id. A
// directory is known by its path, and by when it was made.
func (p Patient) Same(q Patient) bool {
	if p.Volume != "" && q.Volume != "" && p.Volume != q.Volume {
		return false
	}
	if p.Born != "" && q.Born != "" && p.Born != q.Born {
		return false
	}
	return p.RootUUID == q.RootUUID && p.Subvol == q.Subvol && p.Root == q.Root
}

// texts are the fields that come from a foreign disk, or name a file: any bytes.
func (p *Patient) texts() []*string {
	texts := []*string{&p.RootUUID, &p.Subvol, &p.Root, &p.Path}
	for i := range p.Mounts {
		texts = append(texts, &p.Mounts[i])
	}
	return texts
}

type plainPatient Patient

// MarshalJSON keeps names of any bytes.
func (p Patient) MarshalJSON() ([]byte, error) {
	p.Mounts = slices.Clone(p.Mounts)
	for _, text := range p.texts() {
		*text = offline.EncodeText(*text)
	}
	return json.Marshal(plainPatient(p))
}

// UnmarshalJSON takes what MarshalJSON gives.
func (p *Patient) UnmarshalJSON(data []byte) error {
	err := json.Unmarshal(data, (*plainPatient)(p))
	for _, text := range p.texts() {
		if err == nil {
			*text, err = offline.DecodeText(*text)
		}
	}
	return err
}

// Event is a fact of a run's life.
type Event string

// The events. A run that has begun and is neither Done nor Undone is open: it
// was cut off.
const (
	Begin  Event = "begin"
	Done   Event = "done"
	Undone Event = "undone"
)

type entry struct {
	Version int              `json:"version"`
	Event   Event            `json:"event"`
	Time    time.Time        `json:"time"`
	Run     string           `json:"run"`
	Patient *Patient         `json:"patient,omitempty"`
	Changes []offline.Change `json:"changes,omitempty"`
}

// Run is a run as its journal tells it.
type Run struct {
	ID      string
	Began   time.Time
	Patient Patient
	Changes []offline.Change
	State   Event
}

// Open tells whether the run was cut off.
func (r Run) Open() bool { return r.State == Begin }

// Dir is the state directory.
type Dir struct{ root *os.Root }

// Open opens the state directory, made for root alone if it is not there.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the state directory: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open the state directory: %w", err)
	}
	return &Dir{root}, nil
}

// Close closes the directory.
func (d *Dir) Close() error { return d.root.Close() }

var runID = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z-]{0,63}$`)

// CheckID refuses what is not the id of a run.
func CheckID(id string) error {
	if !runID.MatchString(id) {
		return fmt.Errorf("%q is not the id of a run", id)
	}
	return nil
}

// Begin records a run before its first change. An id can begin once.
func (d *Dir) Begin(id string, now time.Time, p Patient, changes []offline.Change) error {
	if err := CheckID(id); err != nil {
		return err
	}
	if err := d.append(id, os.O_CREATE|os.O_EXCL, entry{Version: Version, Event: Begin, Time: now, Run: id, Patient: &p, Changes: changes}); err != nil {
		return fmt.Errorf("cannot write the journal of run %s: %w", id, err)
	}
	return nil
}

// Record adds a fact to a run that has begun.
func (d *Dir) Record(id string, now time.Time, e Event) error {
	if err := d.append(id, 0, entry{Version: Version, Event: e, Time: now, Run: id}); err != nil {
		return fmt.Errorf("cannot write the journal of run %s: %w", id, err)
	}
	return nil
}

func (d *Dir) append(id string, flags int, e entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	f, err := d.root.OpenFile(id+".jsonl", flags|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	// The newline before the entry ends a line that a crash has torn.
	_, err = f.Write(slices.Concat([]byte("\n"), line, []byte("\n")))
	err = errors.Join(err, f.Sync(), f.Close())
	if flags&os.O_CREATE != 0 { // a new name
		err = errors.Join(err, d.sync())
	}
	return err
}

func (d *Dir) sync() error {
	dir, err := d.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// errNoRun is a journal whose beginning was not written whole: the run has
// changed nothing.
var errNoRun = errors.New("it holds no complete record of the run")

// Load reads one run.
func (d *Dir) Load(id string) (Run, error) {
	if err := CheckID(id); err != nil {
		return Run{}, err
	}
	f, err := d.root.Open(id + ".jsonl")
	if err != nil {
		return Run{}, fmt.Errorf("cannot read the journal of run %s: %w", id, err)
	}
	defer f.Close()
	r, err := read(f)
	if err == nil && r.ID != id {
		err = errNoRun
	}
	if err != nil {
		return Run{}, fmt.Errorf("cannot read the journal of run %s: %w", id, err)
	}
	return r, nil
}

func read(r io.Reader) (Run, error) {
	var run Run
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := run.read(line); err != nil {
				return run, err
			}
		}
		if errors.Is(err, io.EOF) {
			return run, nil
		} else if err != nil {
			return run, err
		}
	}
}

// read takes a line. One that is torn says nothing.
func (r *Run) read(line []byte) error {
	var format struct {
		Version int `json:"version"`
	}
	var e entry
	if json.Unmarshal(line, &format) == nil && format.Version > Version {
		return fmt.Errorf("it was written by a newer regain (format %d)", format.Version)
	}
	if json.Unmarshal(line, &e) == nil {
		r.take(e)
	}
	return nil
}

func (r *Run) take(e entry) {
	if e.Event == Begin && e.Patient != nil {
		r.ID, r.Began, r.Patient, r.Changes = e.Run, e.Time, *e.Patient, e.Changes
	}
	r.State = e.Event
}

// Runs lists the runs on record, oldest first. A file that holds no complete
// record belongs to a run that never changed anything; it is left out. One that
// cannot be read is an error: it may be that of a run which was cut off.
func (d *Dir) Runs() ([]Run, error) {
	names, err := fs.Glob(d.root.FS(), "*.jsonl")
	if err != nil {
		return nil, fmt.Errorf("cannot list the journals: %w", err)
	}
	var runs []Run
	for _, name := range names {
		id := strings.TrimSuffix(name, ".jsonl")
		if CheckID(id) != nil {
			continue
		}
		r, err := d.Load(id)
		switch {
		case err == nil:
			runs = append(runs, r)
		case !errors.Is(err, errNoRun):
			return nil, err
		}
	}
	slices.SortFunc(runs, func(a, b Run) int { return a.Began.Compare(b.Began) })
	return runs, nil
}
