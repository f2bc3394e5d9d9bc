package controller_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/flow"
)

// runs keeps journals in memory, as JSON: what does not survive that is lost
// here too.
type runs struct {
	mu   sync.Mutex
	kept map[string]*journal
}

type journal struct {
	entries [][]byte
	heads   []flow.Entry[controller.Rescue] // without states
}

func newRuns() *runs { return &runs{kept: map[string]*journal{}} }

func (r *runs) Create(run string) (controller.Journal, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept[run] != nil {
		return nil, fmt.Errorf("run %s: %w", run, fs.ErrExist)
	}
	r.kept[run] = &journal{}
	return r.kept[run], nil
}

func (r *runs) Open(run string) (controller.Journal, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept[run] == nil {
		return nil, fmt.Errorf("run %s: %w", run, fs.ErrNotExist)
	}
	return r.kept[run], nil
}

func (r *runs) Peek(run string) ([]flow.Entry[controller.Rescue], error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept[run] == nil {
		return nil, fmt.Errorf("run %s: %w", run, fs.ErrNotExist)
	}
	return r.kept[run].Entries()
}

func (r *runs) List() ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []string
	for id := range r.kept {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	return ids, nil
}

func (j *journal) Append(e flow.Entry[controller.Rescue]) error {
	b, err := json.Marshal(e)
	e.State = controller.Rescue{}
	j.entries, j.heads = append(j.entries, b), append(j.heads, e)
	return err
}

// Entries have no states but the last: who resumes wants no other.
func (j *journal) Entries() ([]flow.Entry[controller.Rescue], error) {
	entries := make([]flow.Entry[controller.Rescue], len(j.entries))
	for i, b := range j.entries {
		entries[i] = j.heads[i]
		if i < len(j.entries)-1 {
			continue
		}
		if err := json.Unmarshal(b, &entries[i]); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

func (j *journal) Close() error { return nil }

// turned tells whether a run has undone something, so that the tags say so.
func (r *runs) turned() bool {
	for _, j := range r.kept {
		for _, e := range j.heads {
			if e.Event == flow.Undid && e.Step > 2 && e.Name != "prepare" && e.Name != "arm" { // these two have nothing to undo
				return true
			}
		}
	}
	return false
}
