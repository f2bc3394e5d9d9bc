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
}

// Invert is the change that takes c back.
func (c Change) Invert() Change {
	c.Before, c.After = c.After, c.Before
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
	case string(c.Before.Data) != string(c.After.Data):
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
	return nil
}

// clean is the one name of a path that begins at the root.
func clean(p string) string { return path.Clean("/" + p) }
