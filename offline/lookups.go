package offline

import "slices"

// maxLookups bounds what is remembered; beyond it everything is asked anew.
const maxLookups = 1 << 15

// lookups remembers what the kernel said of names, found or not. An examination
// asks for the same few hundred names again and again, for every preview and at
// every step of a path. A Volume and its previews share one; what is written
// through the Volume empties it.
type lookups struct {
	infos map[string]answer[Info]
	links map[string]answer[string]
	names map[string]answer[[]string]
	held  int               // names in names
	files map[string][]byte // whole small files
	bytes int               // in files
}

// The bounds for file contents that are remembered, in bytes.
const (
	maxSmall = 64 << 10
	maxBytes = 2 << 20
)

type answer[T any] struct {
	value T
	err   error
}

func newLookups() *lookups {
	l := &lookups{}
	l.forget()
	return l
}

func (l *lookups) forget() {
	l.infos, l.links, l.names = map[string]answer[Info]{}, map[string]answer[string]{}, map[string]answer[[]string]{}
	l.files = map[string][]byte{}
	l.held, l.bytes = 0, 0
}

// read remembers small files.
func (l *lookups) read(p string, limit int64, ask func() ([]byte, error)) ([]byte, error) {
	if data, ok := l.files[p]; ok && int64(len(data)) <= limit {
		return slices.Clone(data), nil
	}
	data, err := ask()
	if err != nil || len(data) > maxSmall {
		return data, err
	}
	if l.bytes += len(data); l.bytes > maxBytes {
		clear(l.files)
		l.bytes = len(data)
	}
	l.files[p] = slices.Clone(data)
	return data, nil
}

// list remembers directories up to maxLookups names in all.
func (l *lookups) list(p string, ask func() ([]string, error)) ([]string, error) {
	if a, ok := l.names[p]; ok {
		return slices.Clone(a.value), a.err
	}
	names, err := ask()
	if l.held += len(names); l.held > maxLookups {
		clear(l.names)
		l.held = 0
		return names, err
	}
	l.names[p] = answer[[]string]{slices.Clone(names), err}
	return names, err
}

func (l *lookups) stat(p string, ask func(string) (Info, error)) (Info, error) {
	return remember(l.infos, p, ask)
}

func (l *lookups) readlink(p string, ask func(string) (string, error)) (string, error) {
	return remember(l.links, p, ask)
}

func remember[T any](known map[string]answer[T], p string, ask func(string) (T, error)) (T, error) {
	if a, ok := known[p]; ok {
		return a.value, a.err
	}
	value, err := ask(p)
	if len(known) >= maxLookups {
		clear(known)
	}
	known[p] = answer[T]{value, err}
	return value, err
}
