package lab

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

// An Entry is one call in the log. It has no value of a parameter and no body.
type Entry struct {
	Time      time.Time `json:"time"`
	ID        string    `json:"id"`
	Service   string    `json:"service"`
	Action    string    `json:"action"`
	Caller    string    `json:"caller,omitempty"` // ARN; empty when nobody was authenticated
	Outcome   string    `json:"outcome"`          // ok, the code of an error, or the fault that cut the answer
	Resources []string  `json:"resources,omitempty"`
	Mutating  bool      `json:"mutating"` // by its nature, whatever the outcome; a dry run is not
}

// callLog appends entries to a file.
type callLog struct {
	mu   sync.Mutex
	file *os.File
}

func openCalls(state string) (*callLog, error) {
	file, err := os.OpenFile(callsPath(state), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open the call log: %w", err)
	}
	if err := endLine(file); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot mend the call log: %w", err), file.Close())
	}
	return &callLog{file: file}, nil
}

// endLine ends a line that a kill tore, so that it does not spoil the next.
func endLine(file *os.File) error {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return err
	}
	last := make([]byte, 1)
	if _, err := file.ReadAt(last, size-1); err != nil || last[0] == '\n' {
		return err
	}
	_, err = file.WriteString("\n")
	return err
}

func (l *callLog) add(e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err = l.file.Write(append(line, '\n'))
	return err
}

func callsPath(state string) string { return filepath.Join(state, "calls.jsonl") }

// ReadCalls reads the call log of a state directory, of a lab that runs or not. Lines
// that a kill tore are left out.
func ReadCalls(state string) ([]Entry, error) {
	data, err := os.ReadFile(callsPath(state))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the call log: %w", err)
	}
	var entries []Entry
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, len(data)+1)
	for lines.Scan() {
		var e Entry
		if json.Unmarshal(lines.Bytes(), &e) == nil && e.ID != "" {
			entries = append(entries, e)
		}
	}
	return entries, lines.Err()
}

// entry is what the log says of a call before its outcome is known.
func entry(c *wire.Call, at time.Time) Entry {
	return Entry{
		Time: at.UTC(), ID: c.ID, Service: c.Service, Action: c.Action, Caller: c.Caller.ARN, Resources: resources(c),
		Mutating: c.Action != "" && rules.Mutating(c.Service, c.Action) && c.Query.Get("DryRun") != "true",
	}
}

var idForm = regexp.MustCompile(`^(i|vol|snap|ami|sg|sgr|subnet|vpc|igw|rtb|rtbassoc|eni|eipalloc|eipassoc)-[0-9a-f]{8,17}$`)

// resources are the names in a request that stand for resources.
func resources(c *wire.Call) []string {
	var found []string
	switch wire.ProtocolOf(c.Service) {
	case wire.RestXML:
		if path := strings.TrimPrefix(c.HTTP.URL.Path, "/"); path != "" {
			found = append(found, path)
		}
	case wire.AWSJSON:
		var named struct {
			InstanceIds                                            []string
			Names                                                  []string
			InstanceId, Name, KeyId, CommandId, ResourceId, Target string
		}
		if json.Unmarshal(c.JSON, &named) == nil {
			found = slices.Concat(named.InstanceIds, named.Names, []string{named.InstanceId, named.Name, named.KeyId, named.CommandId, named.ResourceId})
		}
	default:
		for name, values := range c.Query {
			for _, value := range values {
				if idForm.MatchString(value) || strings.HasSuffix(name, "Name") && c.Service == "autoscaling" {
					found = append(found, value)
				}
			}
		}
	}
	slices.Sort(found)
	return slices.DeleteFunc(slices.Compact(found), func(s string) bool { return s == "" })
}
