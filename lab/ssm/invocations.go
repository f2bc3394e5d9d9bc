package ssm

import "github.com/seed-77750964/regain/lab/wire"

type listedInvocation struct {
	CommandID              string `json:"CommandId"`
	InstanceID             string `json:"InstanceId"`
	InstanceName           string
	Comment                string
	DocumentName           string
	DocumentVersion        string
	RequestedDateTime      wire.Time
	Status, StatusDetails  string
	StandardOutputURL      string `json:"StandardOutputUrl"`
	StandardErrorURL       string `json:"StandardErrorUrl"`
	CommandPlugins         []listedPlugin
	ServiceRole            string
	CloudWatchOutputConfig noConfig
}

type listedPlugin struct {
	Name, Status, StatusDetails string
	ResponseCode                int
	ResponseStartDateTime       *wire.Time `json:",omitempty"`
	ResponseFinishDateTime      *wire.Time `json:",omitempty"`
	Output                      string
	StandardOutputURL           string `json:"StandardOutputUrl"`
	StandardErrorURL            string `json:"StandardErrorUrl"`
	OutputS3BucketName          string
	OutputS3KeyPrefix           string
}

// listInvocations answers with an empty list, and no error, for a command that is
// not visible yet.
func (s *SSM) listInvocations(p listCommands) (any, error) {
	commands, err := s.selectCommands(p)
	if err != nil && !wire.IsFault(err, "InvalidCommandId") {
		return nil, err
	}
	found := []listedInvocation{}
	for _, c := range commands {
		for _, id := range c.Instances {
			if p.InstanceID == "" || p.InstanceID == id {
				found = append(found, c.listInvocation(id, p.Details))
			}
		}
	}
	found, next, err := page(found, p.MaxResults, p.NextToken)
	return struct {
		CommandInvocations []listedInvocation
		NextToken          string `json:",omitempty"`
	}{found, next}, err
}

func (c *command) listInvocation(id string, details bool) listedInvocation {
	i := c.Invocations[id]
	listed := listedInvocation{
		CommandID: c.ID, InstanceID: id, Comment: c.Comment, DocumentName: shellScript, DocumentVersion: "$DEFAULT",
		RequestedDateTime: wire.Time{Time: c.Requested}, Status: i.Status, StatusDetails: i.Details, CommandPlugins: []listedPlugin{},
	}
	if !details {
		return listed
	}
	p := listedPlugin{
		Name: plugin, Status: i.Status, StatusDetails: i.Details, ResponseCode: i.Code, Output: pluginOutput(i.Stdout, i.Stderr),
	}
	if !i.Started.IsZero() {
		p.ResponseStartDateTime = &wire.Time{Time: i.Started}
	}
	if !i.Started.IsZero() && !i.Ended.IsZero() {
		p.ResponseFinishDateTime = &wire.Time{Time: i.Ended}
	}
	listed.CommandPlugins = []listedPlugin{p}
	return listed
}
