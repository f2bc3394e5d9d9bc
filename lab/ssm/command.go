package ssm

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/store"
	"github.com/seed-77750964/regain/lab/wire"
)

// A command is one SendCommand; each has a file of its own.
type command struct {
	ID, Comment string
	Parameters  map[string][]string
	Instances   []string
	Timeout     int // seconds until delivery
	Execution   int // seconds
	Requested   time.Time
	Due         time.Time              // not delivered before
	Invocations map[string]*invocation // by instance
}

// An invocation is a command on one instance.
type invocation struct {
	Status, Details string
	Code            int // -1: not ended
	Started, Ended  time.Time
	Stdout, Stderr  string
}

// The states of an invocation and of a command.
const (
	pending    = "Pending"
	inProgress = "InProgress"
	success    = "Success"
	failed     = "Failed"
	timedOut   = "TimedOut"
	cancelling = "Cancelling"
	cancelled  = "Cancelled"
)

func (i *invocation) open() bool {
	return i.Status == pending || i.Status == inProgress || i.Status == cancelling
}

// silent: the agent was at work and is heard of no more.
func (n Instance) silent() bool { return n.Lost || n.Ended }

func (i *invocation) end(status, details string, code int, at time.Time) {
	i.Status, i.Details, i.Code, i.Ended = status, details, code, at
}

const (
	shellScript = "AWS-RunShellScript"
	plugin      = "aws:runShellScript"
)

type sendCommand struct {
	InstanceIDs     []string `json:"InstanceIds"`
	DocumentName    string
	DocumentVersion string
	TimeoutSeconds  int
	Comment         string
	Parameters      map[string][]string
	MaxConcurrency  string
	MaxErrors       string // harmless: a command reaches its instances all at once
}

func (s *SSM) sendCommand(ctx context.Context, p sendCommand) (any, error) {
	c, err := p.command()
	if err != nil {
		return nil, err
	}
	listed, err := s.fleet()
	if err != nil {
		return nil, err
	}
	for _, id := range p.InstanceIDs {
		if _, ok := listed[id]; !ok {
			return nil, fault("InvalidInstanceId", "Instances [[%s]] not in a valid state for account %s", id, s.cfg.Account)
		}
	}
	if c.ID, err = s.newID(); err != nil {
		return nil, err
	}
	c.Requested = s.cfg.Now().UTC()
	c.Due = c.Requested.Add(max(s.cfg.Pace.Of("ssm.command.delivery"), wire.StuckFor(ctx)))
	file, err := store.Open[command](filepath.Join(s.commandDir(), c.ID+".json"))
	if err == nil {
		err = file.Update(func(stored *command) error { *stored = *c; return nil })
	}
	if err != nil {
		return nil, fmt.Errorf("cannot store a command: %w", err)
	}
	shown := c.show() // Run changes the command once it is among the others
	s.mu.Lock()
	s.commands[c.ID], s.open[c.ID] = file, file
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // Run has been told
	}
	return map[string]shownCommand{"Command": shown}, nil
}

// command is what the parameters ask for, unless they break a rule.
func (p sendCommand) command() (*command, error) {
	least, most := rules.LimitOf("ssm.command.timeout-min"), rules.LimitOf("ssm.command.timeout-max")
	sorted := slices.Sorted(slices.Values(p.InstanceIDs))
	switch {
	case p.DocumentName != shellScript && !strings.HasSuffix(p.DocumentName, ":document/"+shellScript):
		return nil, fault("InvalidDocument", "")
	case !slices.Contains([]string{"", "1", "$DEFAULT", "$LATEST"}, p.DocumentVersion):
		return nil, fault("InvalidDocumentVersion", "")
	case len(sorted) == 0 || len(sorted) > rules.LimitOf("ssm.command.instances"):
		return nil, invalid("1 validation error detected: 'instanceIds' must have 1 to %d members", rules.LimitOf("ssm.command.instances"))
	case len(slices.Compact(sorted)) != len(p.InstanceIDs):
		return nil, fault("DuplicateInstanceId", "")
	case p.TimeoutSeconds != 0 && (p.TimeoutSeconds < least || p.TimeoutSeconds > most):
		return nil, invalid("1 validation error detected: 'timeoutSeconds' must be between %d and %d", least, most)
	case len(p.Comment) > rules.LimitOf("ssm.command.comment"):
		return nil, invalid("1 validation error detected: 'comment' must have at most %d characters", rules.LimitOf("ssm.command.comment"))
	case !slices.Contains([]string{"", "50", "100%"}, p.MaxConcurrency):
		return nil, fault("UnsupportedOperation", "The lab does not stagger commands: MaxConcurrency must be 50")
	}
	c := &command{
		Comment: p.Comment, Parameters: p.Parameters, Instances: p.InstanceIDs,
		Timeout: rules.LimitOf("ssm.command.timeout"), Invocations: map[string]*invocation{},
	}
	if p.TimeoutSeconds != 0 {
		c.Timeout = p.TimeoutSeconds
	}
	for _, id := range c.Instances {
		c.Invocations[id] = &invocation{Status: pending, Details: pending, Code: -1}
	}
	return c, c.readParameters()
}

// readParameters holds the parameters against the document's.
func (c *command) readParameters() error {
	for name, values := range c.Parameters {
		switch {
		case !slices.Contains([]string{"commands", "executionTimeout", "workingDirectory"}, name):
			return fault("InvalidParameters", "document %s does not have a parameter %q", shellScript, name)
		case name != "commands" && len(values) != 1:
			return fault("InvalidParameters", "parameter %q is a string", name)
		}
	}
	lines := c.Parameters["commands"]
	if len(lines) == 0 {
		return fault("InvalidParameters", "Parameter \"commands\" requires at least 1 value.")
	}
	if strings.Contains(strings.Join(lines, "\n"), "{{ssm:") || strings.Contains(strings.Join(lines, "\n"), "{{ ssm:") {
		return fault("UnsupportedOperation", "The lab does not put parameters into commands")
	}
	c.Execution = rules.LimitOf("ssm.command.timeout")
	if given := c.Parameters["executionTimeout"]; given != nil {
		var err error
		if c.Execution, err = strconv.Atoi(given[0]); err != nil || c.Execution < 1 || c.Execution > rules.LimitOf("ssm.command.execution-max") {
			return fault("InvalidParameters", "Parameter executionTimeout must be 1 to %d", rules.LimitOf("ssm.command.execution-max"))
		}
	}
	return nil
}

// script is what a shell runs.
func (c *command) script() string {
	text := strings.Join(c.Parameters["commands"], "\n") + "\n"
	if dir := c.Parameters["workingDirectory"]; dir != nil && dir[0] != "" {
		text = "cd -- '" + strings.ReplaceAll(dir[0], "'", `'\''`) + "' || exit 1\n" + text
	}
	return text
}

// newID is a UUID.
func (s *SSM) newID() (string, error) {
	random := make([]byte, 16)
	if _, err := io.ReadFull(s.cfg.Rand, random); err != nil {
		return "", fmt.Errorf("cannot make an id: %w", err)
	}
	random[6], random[8] = random[6]&0x0f|0x40, random[8]&0x3f|0x80
	id := hex.EncodeToString(random)
	return strings.Join([]string{id[:8], id[8:12], id[12:16], id[16:20], id[20:]}, "-"), nil
}

func (s *SSM) commandDir() string { return filepath.Join(s.cfg.Dir, "commands") }

// readCommands reads what the state directory holds, and ends what ran.
func (s *SSM) readCommands() error {
	if err := os.MkdirAll(s.commandDir(), 0o700); err != nil {
		return fmt.Errorf("cannot keep commands: %w", err)
	}
	entries, err := os.ReadDir(s.commandDir())
	if err != nil {
		return fmt.Errorf("cannot read the commands: %w", err)
	}
	silent, err := s.silent()
	if err != nil {
		return err
	}
	for _, entry := range entries {
		id, ok := strings.CutSuffix(entry.Name(), ".json")
		if !ok {
			continue // a file that was being written
		}
		file, err := store.Open[command](filepath.Join(s.commandDir(), entry.Name()))
		if err == nil {
			err = file.Update(func(c *command) error { s.terminate(c, silent); return nil })
		}
		if err != nil {
			return fmt.Errorf("cannot read command %s: %w", id, err)
		}
		s.commands[id], s.open[id] = file, file
	}
	return nil
}

// killed is what a program's end by SIGKILL looks like to a shell.
const killed = 137

// terminate ends what ran on machines that died with the lab. What had become silent
// before stays so.
func (s *SSM) terminate(c *command, silent map[string]bool) {
	for id, i := range c.Invocations {
		if (i.Status == inProgress || i.Status == cancelling) && !silent[id] {
			i.end(failed, "Terminated", killed, s.cfg.Now().UTC())
		}
	}
}

// silent are the instances whose agents are heard of no more.
func (s *SSM) silent() (map[string]bool, error) {
	instances, err := s.cfg.Fleet.Instances()
	silent := map[string]bool{}
	for _, i := range instances {
		silent[i.ID] = i.silent()
	}
	return silent, err
}
