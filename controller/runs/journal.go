package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/flow"
)

// A journal is a file that this process holds.
type journal struct {
	file   *os.File
	size   int64 // of the entries that are durable
	broken error // the file is not what size says
}

// hold locks a journal for this process, and says so beside it.
func hold(f *os.File) (*journal, error) {
	err := lock(f)
	if err == nil {
		j := &journal{file: f}
		if err = j.sign(); err == nil {
			return j, nil
		}
	} else if errors.Is(err, ErrBusy) {
		err = fmt.Errorf("%w%s", err, holder(f.Name()))
	}
	return nil, errors.Join(err, f.Close())
}

// sign notes who holds the journal, for the one who finds it busy.
func (j *journal) sign() error {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	return os.WriteFile(holderFile(j.file.Name()), fmt.Appendf(nil, "process %d on %s\n", os.Getpid(), host), 0o600)
}

func holderFile(journal string) string { return strings.TrimSuffix(journal, ending) + ".holder" }

// holder is who holds a journal, as far as that is known.
func holder(journal string) string {
	text, err := os.ReadFile(holderFile(journal))
	if err != nil || len(text) == 0 {
		return ""
	}
	return ": " + strings.TrimSpace(fmt.Sprintf("%.200s", text))
}

// cutTorn leaves the entries that are whole.
func (j *journal) cutTorn() error {
	_, size, err := read(j.file)
	if err == nil {
		j.size = size
		err = j.cut()
	} else {
		err = damaged(j.file.Name(), err)
	}
	if err != nil {
		return errors.Join(err, j.Close())
	}
	return nil
}

// cut makes the file as long as its durable entries.
func (j *journal) cut() error {
	if err := j.file.Truncate(j.size); err != nil {
		return err
	}
	return j.file.Sync()
}

// Append writes an entry and syncs it. When it fails the journal ends where it
// ended before, and Append may be called again.
func (j *journal) Append(e flow.Entry[controller.Rescue]) error {
	if j.broken != nil {
		return j.broken
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if _, err = j.file.WriteAt(line, j.size); err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		if again := j.cut(); again != nil {
			j.broken = errors.Join(err, again)
		}
		return err
	}
	j.size += int64(len(line))
	return nil
}

// Entries reads the journal.
func (j *journal) Entries() ([]flow.Entry[controller.Rescue], error) {
	entries, _, err := read(io.NewSectionReader(j.file, 0, j.size))
	if err != nil {
		return nil, damaged(j.file.Name(), err)
	}
	return entries, nil
}

// Close lets another process have the journal.
func (j *journal) Close() error {
	if err := os.Remove(holderFile(j.file.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
		return errors.Join(err, j.file.Close())
	}
	return j.file.Close()
}
