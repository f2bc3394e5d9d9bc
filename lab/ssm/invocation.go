package ssm

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-77750964/regain/lab/store"
	"github.com/seed-77750964/regain/lab/wire"
)

// noConfig is how an absent CloudWatchOutputConfig is answered.
type noConfig struct {
	CloudWatchLogGroupName  string
	CloudWatchOutputEnabled bool
}

type shownCommand struct {
	CommandID              string `json:"CommandId"`
	DocumentName           string
	DocumentVersion        string
	Comment                string
	ExpiresAfter           wire.Time
	Parameters             map[string][]string
	InstanceIDs            []string `json:"InstanceIds"`
	Targets                []string
	RequestedDateTime      wire.Time
	Status, StatusDetails  string
	OutputS3BucketName     string
	OutputS3KeyPrefix      string
	MaxConcurrency         string
	MaxErrors              string
	TargetCount            int
	CompletedCount         int
	ErrorCount             int
	DeliveryTimedOutCount  int
	ServiceRole            string
	CloudWatchOutputConfig noConfig
	TimeoutSeconds         int
}

func (c *command) show() shownCommand {
	shown := shownCommand{
		CommandID: c.ID, DocumentName: shellScript, DocumentVersion: "$DEFAULT", Comment: c.Comment, Parameters: c.Parameters,
		ExpiresAfter: wire.Time{Time: c.Requested.Add(time.Duration(c.Timeout+c.Execution) * time.Second)},
		InstanceIDs:  c.Instances, Targets: []string{}, RequestedDateTime: wire.Time{Time: c.Requested},
		MaxConcurrency: "50", MaxErrors: "0", TargetCount: len(c.Instances), TimeoutSeconds: c.Timeout,
	}
	shown.Status, shown.StatusDetails = c.status()
	for _, i := range c.Invocations {
		if i.open() {
			continue
		}
		shown.CompletedCount++
		switch {
		case i.Details == "Delivery Timed Out":
			shown.DeliveryTimedOutCount++
		case i.Status == failed, i.Status == timedOut:
			shown.ErrorCount++
		}
	}
	return shown
}

// status is that of the invocation which says most about the command: one that
// has not ended, else the worst.
func (c *command) status() (status, details string) {
	started := false
	for _, id := range c.Instances {
		started = started || c.Invocations[id].Status != pending
	}
	for _, rank := range []string{cancelling, inProgress, pending, failed, timedOut, cancelled, success} {
		for _, id := range c.Instances {
			i := c.Invocations[id]
			if i.Status != rank {
				continue
			}
			if rank == pending && started {
				return inProgress, inProgress
			}
			return i.Status, i.Details
		}
	}
	return success, success
}

func (s *SSM) commandFile(id string) (*store.File[command], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if file := s.commands[id]; file != nil {
		return file, nil
	}
	return nil, fault("InvalidCommandId", "")
}

// visible tells whether a command has become known to the calls that read.
func (s *SSM) visible(c *command) bool {
	return !s.cfg.Now().Before(c.Requested.Add(s.cfg.Pace.Of("consistency.ssm.invocation")))
}

type getInvocation struct {
	CommandID  string `json:"CommandId"`
	InstanceID string `json:"InstanceId"`
	PluginName string
}

type shownInvocation struct {
	CommandID              string `json:"CommandId"`
	InstanceID             string `json:"InstanceId"`
	Comment                string
	DocumentName           string
	DocumentVersion        string
	PluginName             string
	ResponseCode           int
	ExecutionStartDateTime string
	ExecutionElapsedTime   string
	ExecutionEndDateTime   string
	Status, StatusDetails  string
	StandardOutputContent  string
	StandardOutputURL      string `json:"StandardOutputUrl"`
	StandardErrorContent   string
	StandardErrorURL       string `json:"StandardErrorUrl"`
	CloudWatchOutputConfig noConfig
}

func (s *SSM) getInvocation(p getInvocation) (any, error) {
	if p.PluginName != "" && p.PluginName != plugin {
		return nil, fault("InvalidPluginName", "")
	}
	file, err := s.commandFile(p.CommandID)
	if err != nil {
		return nil, fault("InvocationDoesNotExist", "")
	}
	var shown *shownInvocation
	file.View(func(c *command) {
		if i := c.Invocations[p.InstanceID]; i != nil && s.visible(c) {
			shown = c.showInvocation(p.InstanceID, i)
		}
	})
	if shown == nil {
		return nil, fault("InvocationDoesNotExist", "")
	}
	return shown, nil
}

func (c *command) showInvocation(id string, i *invocation) *shownInvocation {
	shown := &shownInvocation{
		CommandID: c.ID, InstanceID: id, Comment: c.Comment, DocumentName: shellScript, DocumentVersion: "$DEFAULT", PluginName: plugin,
		ResponseCode: i.Code, Status: i.Status, StatusDetails: i.Details, StandardOutputContent: i.Stdout, StandardErrorContent: i.Stderr,
	}
	const iso = "2006-01-02T15:04:05.000Z"
	if !i.Started.IsZero() {
		shown.ExecutionStartDateTime = i.Started.Format(iso)
	}
	if !i.Started.IsZero() && !i.Ended.IsZero() {
		shown.ExecutionEndDateTime = i.Ended.Format(iso)
		shown.ExecutionElapsedTime = fmt.Sprintf("PT%.3fS", i.Ended.Sub(i.Started).Seconds())
	}
	return shown
}

type listCommands struct {
	CommandID  string `json:"CommandId"`
	InstanceID string `json:"InstanceId"`
	Filters    []struct{ Key, Value string }
	Details    bool
	MaxResults int
	NextToken  string
}

func (s *SSM) listCommands(p listCommands) (any, error) {
	commands, err := s.selectCommands(p)
	if err != nil {
		return nil, err
	}
	shown := []shownCommand{}
	for _, c := range commands {
		shown = append(shown, c.show())
	}
	shown, next, err := page(shown, p.MaxResults, p.NextToken)
	return struct {
		Commands  []shownCommand
		NextToken string `json:",omitempty"`
	}{shown, next}, err
}

// selectCommands are copies of the visible commands that a request names, the newest
// first.
func (s *SSM) selectCommands(p listCommands) ([]*command, error) {
	s.mu.Lock()
	var files []*store.File[command]
	for id, file := range s.commands {
		if p.CommandID == "" || p.CommandID == id {
			files = append(files, file)
		}
	}
	s.mu.Unlock()
	if p.CommandID != "" && len(files) == 0 {
		return nil, fault("InvalidCommandId", "")
	}
	var found []*command
	var err error
	for _, file := range files {
		file.View(func(c *command) {
			var ok bool
			if ok, err = c.passes(p); ok && err == nil && s.visible(c) {
				found = append(found, c.clone())
			}
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(found, func(a, b *command) int {
		if n := b.Requested.Compare(a.Requested); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	return found, nil
}

func (c *command) clone() *command {
	copied := *c
	copied.Invocations = map[string]*invocation{}
	for id, i := range c.Invocations {
		one := *i
		copied.Invocations[id] = &one
	}
	return &copied
}

func (c *command) passes(p listCommands) (bool, error) {
	if p.InstanceID != "" && c.Invocations[p.InstanceID] == nil {
		return false, nil
	}
	for _, f := range p.Filters {
		ok := false
		switch f.Key {
		case "InvokedAfter", "InvokedBefore":
			at, err := time.Parse(time.RFC3339, f.Value)
			if err != nil {
				return false, fault("InvalidFilterKey", "%s is no time", f.Value)
			}
			ok = c.Requested.After(at) == (f.Key == "InvokedAfter")
		case "Status":
			status, details := c.status()
			ok = f.Value == status || f.Value == details
		case "DocumentName":
			ok = f.Value == shellScript
		default:
			return false, fault("InvalidFilterKey", "The filter key %s is not valid.", f.Key)
		}
		if !ok {
			return false, nil
		}
	}
	return true, nil
}
