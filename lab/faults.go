package lab

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/seed-77750964/regain/lab/store"
	"github.com/seed-77750964/regain/lab/wire"
)

// The kinds of faults.
const (
	kindError    = "error"          // the call fails with Code, Message and Status
	kindThrottle = "throttle"       // it fails as a throttled one
	kindCapacity = "capacity"       // it fails for want of capacity
	kindBefore   = "timeout-before" // the connection is cut and nothing has happened
	kindAfter    = "timeout-after"  // the call has its effect, and the connection is cut
	kindStuck    = "stuck"          // the transition that it starts does not end For so long
	kindLost     = "lost-helper"    // after it, the instance that it names dies
)

// A FaultRule is one rule of the file of faults.
type FaultRule struct {
	ID       string        `yaml:"id"`       // tells rules apart that are otherwise the same
	Service  string        `yaml:"service"`  // empty: any
	Action   string        `yaml:"action"`   // empty: any
	Resource string        `yaml:"resource"` // only calls that name it
	Nth      nth           `yaml:"nth"`      // the n-th call that matches, or every; missing: 1
	Kind     string        `yaml:"kind"`
	Code     string        `yaml:"code"`
	Message  string        `yaml:"message"`
	Status   int           `yaml:"status"`
	For      time.Duration `yaml:"for"`
}

// nth is a number from 1, or every; 0 is a missing one.
type nth int

const every nth = -1

func (n *nth) UnmarshalYAML(node *yaml.Node) error {
	if node.Value == "every" {
		*n = every
		return nil
	}
	var number int
	if err := node.Decode(&number); err != nil || number < 1 {
		return fmt.Errorf("line %d: nth is a number from 1, or every", node.Line)
	}
	*n = nth(number)
	return nil
}

// check refuses a rule that means nothing.
func (r FaultRule) check() error {
	kinds := []string{kindError, kindThrottle, kindCapacity, kindBefore, kindAfter, kindStuck, kindLost}
	switch {
	case !slices.Contains(kinds, r.Kind):
		return fmt.Errorf("kind %q is none of %v", r.Kind, kinds)
	case r.Kind == kindError && r.Code == "":
		return errors.New("an error has a code")
	case r.Kind == kindStuck && r.For <= 0:
		return errors.New("what is stuck is so for a while")
	}
	return nil
}

// due tells whether it is the rule's turn at the call of that number.
func (r FaultRule) due(call int) bool { return r.Nth == every || call == int(max(r.Nth, 1)) }

// key names a rule in the counters: by what it says.
func (r FaultRule) key() string {
	text, err := json.Marshal(r)
	if err != nil {
		return r.ID // strings and numbers can always be encoded
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

func (r FaultRule) matches(c *wire.Call, named []string) bool {
	return (r.Service == "" || r.Service == c.Service) && (r.Action == "" || r.Action == c.Action) &&
		(r.Resource == "" || slices.Contains(named, r.Resource))
}

// fault is what the caller is answered; nil for the kinds that are no answers.
func (r FaultRule) fault(service string) *wire.Fault {
	f := &wire.Fault{Code: r.Code, Message: r.Message, Status: r.Status}
	switch r.Kind {
	case kindError:
		if f.Message == "" {
			f.Message = "A fault of the lab."
		}
		return f
	case kindThrottle:
		return throttled(service)
	case kindCapacity:
		return &wire.Fault{
			Code: "InsufficientInstanceCapacity", Status: http.StatusInternalServerError,
			Message: "We currently do not have sufficient capacity in the Availability Zone you requested.",
		}
	}
	return nil
}

// faults are the rules of a file, and how many calls have matched each.
type faults struct {
	path   string // empty: no faults
	counts *store.File[map[string]int]

	mu    sync.Mutex
	stamp string // of the file that the rules are from
	rules []FaultRule
}

func openFaults(state, path string) (*faults, error) {
	counts, err := store.Open[map[string]int](filepath.Join(state, "faults.json"))
	if err != nil {
		return nil, err
	}
	f := &faults{path: path, counts: counts}
	_, err = f.current()
	return f, err
}

// current are the rules as the file has them now. A file that is not there has none.
func (f *faults) current() ([]FaultRule, error) {
	if f.path == "" {
		return nil, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		f.stamp, f.rules = "", nil
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read faults: %w", err)
	}
	stamp := fmt.Sprint(info.ModTime().UnixNano(), info.Size())
	if stamp == f.stamp {
		return f.rules, nil
	}
	data, err := os.ReadFile(f.path)
	if err != nil {
		return nil, fmt.Errorf("cannot read faults: %w", err)
	}
	list, err := parseFaults(data)
	if err != nil {
		return nil, fmt.Errorf("cannot read faults in %s: %w", f.path, err)
	}
	f.stamp, f.rules = stamp, list
	return list, nil
}

func parseFaults(data []byte) ([]FaultRule, error) {
	var list []FaultRule
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&list); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	for i, r := range list {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
	}
	return list, nil
}

// next counts a call and returns the first rule whose turn it is. Every rule that
// matches counts it.
func (f *faults) next(c *wire.Call) (*FaultRule, error) {
	list, err := f.current()
	if err != nil {
		return nil, err
	}
	named := resources(c)
	matching := slices.DeleteFunc(slices.Clone(list), func(r FaultRule) bool { return !r.matches(c, named) })
	if len(matching) == 0 {
		return nil, nil
	}
	var found *FaultRule
	err = f.counts.Update(func(counts *map[string]int) error {
		if *counts == nil {
			*counts = map[string]int{}
		}
		for i, r := range matching {
			(*counts)[r.key()]++
			if found == nil && r.due((*counts)[r.key()]) {
				found = &matching[i]
			}
		}
		return nil
	})
	return found, err
}
