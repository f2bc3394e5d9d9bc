package ec2

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	labimage "github.com/seed-77750964/regain/lab/image"
)

// fileTasks fill new volumes from their snapshots and remove files that nobody
// needs any more.
func (e *EC2) fileTasks(a *account) []task {
	var tasks []task
	needed := map[string]bool{}
	for _, v := range sorted(a.Volumes) {
		if v.Filled {
			continue
		}
		needed[e.snapshotPath(v.Snapshot)] = true
		if e.claim(e.volumePath(v.ID), true) {
			tasks = append(tasks, e.fill(v))
		}
	}
	trash := slices.DeleteFunc(slices.Clone(a.Trash), func(path string) bool { return needed[path] || !e.claim(path, true) })
	if len(trash) > 0 {
		tasks = append(tasks, task{run: func(context.Context) { e.sweep(trash) }})
	}
	return tasks
}

// fill makes the file of a volume: a copy of its snapshot, or a hole.
func (e *EC2) fill(v *volume) task {
	id, from, to, size := v.ID, v.Snapshot, e.volumePath(v.ID), int64(v.Size)<<30
	return task{run: func(ctx context.Context) {
		defer e.unclaim(to)
		var err error
		if from == "" {
			err = labimage.Create(to, size)
		} else if err = labimage.Copy(ctx, e.snapshotPath(from), to); err == nil {
			err = labimage.Grow(to, size)
		}
		if ctx.Err() != nil {
			return
		}
		_ = e.change(func(a *account, _ time.Time) error {
			if v := a.Volumes[id]; v != nil {
				if v.Filled = true; err != nil && !errors.Is(err, fs.ErrExist) {
					v.State = "error"
				}
			}
			return nil
		})
	}}
}

// sweep removes files. One that stays is a stray, which the next start finds.
func (e *EC2) sweep(paths []string) {
	for _, path := range paths {
		_ = os.RemoveAll(path)
		defer e.unclaim(path)
	}
	_ = e.change(func(a *account, _ time.Time) error {
		a.Trash = slices.DeleteFunc(a.Trash, func(path string) bool { return slices.Contains(paths, path) })
		return nil
	})
}

// claim keeps others from removing a file. Who wants it alone does not get one that
// somebody has.
func (e *EC2) claim(path string, alone bool) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if alone && e.claims[path] > 0 {
		return false
	}
	e.claims[path]++
	return true
}

func (e *EC2) unclaim(path string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.claims[path]--; e.claims[path] == 0 {
		delete(e.claims, path)
	}
}

// trashStrays removes files that no volume, snapshot or instance is behind: what a
// kill left half copied or half removed.
func (e *EC2) trashStrays() {
	known := map[string]bool{}
	e.file.View(func(a *account) {
		for id := range a.Volumes {
			known[e.volumePath(id)] = true
		}
		for id := range a.Snapshots {
			known[e.snapshotPath(id)] = true
		}
		for _, i := range a.Instances {
			known[i.StoreRoot], known[e.machinePath(i.ID)] = true, i.State != terminated
		}
	})
	for _, dir := range directories {
		files, _ := os.ReadDir(filepath.Join(e.Dir, dir))
		for _, f := range files {
			if path := filepath.Join(e.Dir, dir, f.Name()); !known[path] {
				_ = os.RemoveAll(path) // tried again at the next start
			}
		}
	}
}

// directories are where the files are.
var directories = []string{"volumes", "snapshots", "machines"}

func (e *EC2) volumePath(id string) string   { return filepath.Join(e.Dir, "volumes", id+".raw") }
func (e *EC2) machinePath(id string) string  { return filepath.Join(e.Dir, "machines", id) }
func (e *EC2) snapshotPath(id string) string { return filepath.Join(e.Dir, "snapshots", id+".raw") }
