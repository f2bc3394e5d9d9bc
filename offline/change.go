package offline

import (
	"fmt"
	"path"
)

// A Change is one file before and after. It is data: it can be shown, stored,
// sent, applied, and turned round.
type Change struct {
	Path   string `json:"path"`   // canonical
	Before *File  `json:"before"` // nil: there is none
	After  *File  `json:"after"`  // nil: it goes
	Why    string `json:"why"`    // for a person; holds no secret

	// Patches are for a file that is too large to be kept whole: Before and After
	// then hold attributes and size (SnapshotAttributes), and no content.
	Patches []Patch `json:"patches,omitempty"`
	// Shown, where set, is what Diff shows instead of the content.
	Shown *Shown `json:"shown,omitempty"`
}

// Shown is the content of a file as a person may see it: decoded, with its
// secrets masked.
type Shown struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

// Invert is the change that takes c back.
func (c Change) Invert() Change {
	c.Before, c.After = c.After, c.Before
	c.Patches = inverted(c.Patches)
	if c.Shown != nil {
		c.Shown = &Shown{c.Shown.After, c.Shown.Before}
	}
	return c
}

// Action says in a word or two what the change does: create, remove, edit,
// or which attributes it sets.
func (c Change) Action() string {
	switch {
	case c.Before == nil && c.After == nil:
		return "nothing"
	case c.Before == nil && c.After.Kind == Dir:
		return "create directory"
	case c.Before == nil:
		return "create"
	case c.After == nil:
		return "remove"
	case len(c.Patches) > 0 || string(c.Before.Data) != string(c.After.Data):
		return "edit"
	case c.Before.Flags != c.After.Flags && c.Before.sameAttributes(c.After):
		return "set flags"
	default:
		return "set attributes"
	}
}

// Check refuses a change that the writer cannot perform.
func (c Change) Check() error {
	if clean(c.Path) != c.Path || c.Path == "/" && c.Before == nil {
		return fmt.Errorf("cannot change %q: not a canonical path", c.Path)
	}
	for _, f := range []*File{c.Before, c.After} {
		if f != nil && f.Kind != Regular && f.Kind != Dir {
			return fmt.Errorf("cannot change %q: %w", c.Path, ErrNotRegular)
		}
	}
	if c.Before != nil && c.After != nil && c.Before.Kind != c.After.Kind {
		return fmt.Errorf("cannot change %q: it would turn from %s to %s", c.Path, c.Before.Kind, c.After.Kind)
	}
	if err := c.checkPatches(); err != nil {
		return fmt.Errorf("cannot change %q: %w", c.Path, err)
	}
	return nil
}

// clean is the one name of a path that begins at the root.
func clean(p string) string { return path.Clean("/" + p) }
