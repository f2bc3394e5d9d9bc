package ssm

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

// nodes are what the state directory keeps of managed instances, by id.
type nodes struct{ ByID map[string]*node }

// A node is an instance whose agent has registered.
type node struct {
	Registered time.Time // for the first time
	Boot       time.Time // the last start of the machine after which it registered
	Ping       time.Time // the last health signal
}

// What an agent needs to be allowed: to say that it is there, and one of two ways
// to get messages.
var (
	agentSignals = []string{"ssm:UpdateInstanceInformation"}
	agentChannel = []string{
		"ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
	}
	agentQueue = []string{
		"ec2messages:AcknowledgeMessage", "ec2messages:DeleteMessage", "ec2messages:FailMessage", "ec2messages:GetEndpoint",
		"ec2messages:GetMessages", "ec2messages:SendReply",
	}
)

func (s *SSM) mayRegister(i Instance) bool {
	all := func(actions []string) bool {
		return !slices.ContainsFunc(actions, func(a string) bool { return !s.cfg.Roles.Allows(i.Role, a) })
	}
	return i.Agent && i.Role != "" && all(agentSignals) && (all(agentChannel) || all(agentQueue))
}

// A managed node is an instance and what is known of its agent.
type managed struct {
	Instance
	node
}

// reachable: the agent that runs now is registered.
func (m managed) reachable() bool { return !m.Up.IsZero() && m.Boot.Equal(m.Up) }

// fleet lets agents register and signal that are due, forgets those whose instance
// is gone, and lists the managed nodes by id.
func (s *SSM) fleet() (map[string]managed, error) {
	now := s.cfg.Now().UTC()
	instances, err := s.cfg.Fleet.Instances()
	if err != nil {
		return nil, err
	}
	var old map[string]node
	s.nodes.View(func(all *nodes) {
		old = make(map[string]node, len(all.ByID))
		for id, n := range all.ByID {
			old[id] = *n
		}
	})
	listed := map[string]managed{}
	changed := false
	for _, i := range instances {
		if i.Ended {
			continue
		}
		before, known := old[i.ID]
		after := s.signal(before, i, now)
		if known || !after.Registered.IsZero() {
			listed[i.ID] = managed{i, after}
			changed = changed || after != before
		}
	}
	if !changed && len(listed) == len(old) {
		return listed, nil
	}
	return listed, s.nodes.Update(func(all *nodes) error {
		all.ByID = map[string]*node{}
		for id, m := range listed {
			all.ByID[id] = &m.node
		}
		return nil
	})
}

// signal is a node after the agent's signals until now.
func (s *SSM) signal(n node, i Instance, now time.Time) node {
	beat := s.cfg.Pace.Of("ssm.node.heartbeat")
	first := i.Up.Add(s.cfg.Pace.Of("ssm.node.registration"))
	switch {
	case i.Up.IsZero() || now.Before(first):
		return n
	case !n.Boot.Equal(i.Up) && s.mayRegister(i):
		n.Boot, n.Ping = i.Up, first
		if n.Registered.IsZero() {
			n.Registered = first
		}
	case !n.Boot.Equal(i.Up):
		return n
	}
	if missed := now.Sub(n.Ping) / beat; missed > 0 && s.mayRegister(i) {
		n.Ping = n.Ping.Add(missed * beat)
	}
	return n
}

type describeNodes struct {
	InstanceInformationFilterList []struct {
		Key      string
		ValueSet []string
	}
	Filters    []filter
	MaxResults int
	NextToken  string
}

type describedNode struct {
	InstanceID       string `json:"InstanceId"`
	PingStatus       string
	LastPingDateTime wire.Time
	AgentVersion     string
	IsLatestVersion  bool
	PlatformType     string
	PlatformName     string
	PlatformVersion  string
	ResourceType     string
	IPAddress        string
	ComputerName     string
	SourceID         string `json:"SourceId"`
	SourceType       string
}

const agentVersion = "3.3.2299.0"

func (s *SSM) describeNodes(p describeNodes) (any, error) {
	filters := p.Filters
	for _, f := range p.InstanceInformationFilterList {
		filters = append(filters, filter{Key: f.Key, Values: f.ValueSet})
	}
	if p.MaxResults != 0 && p.MaxResults < 5 {
		return nil, invalid("MaxResults must be between 5 and 50")
	}
	listed, err := s.fleet()
	if err != nil {
		return nil, err
	}
	found := []describedNode{}
	for _, id := range slices.Sorted(maps.Keys(listed)) {
		d := s.describeNode(listed[id])
		ok, err := d.passes(filters, listed[id].Tags)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, d)
		}
	}
	found, next, err := page(found, p.MaxResults, p.NextToken)
	return struct {
		InstanceInformationList []describedNode
		NextToken               string `json:",omitempty"`
	}{found, next}, err
}

func (s *SSM) describeNode(m managed) describedNode {
	status := "Online"
	if s.cfg.Now().Sub(m.Ping) >= s.cfg.Pace.Of("ssm.node.heartbeat") {
		status = "ConnectionLost"
	}
	return describedNode{
		InstanceID: m.ID, PingStatus: status, LastPingDateTime: wire.Time{Time: m.Ping}, AgentVersion: agentVersion, IsLatestVersion: true,
		PlatformType: "Linux", PlatformName: "Amazon Linux", PlatformVersion: "2023", ResourceType: "EC2Instance",
		IPAddress: m.Address, ComputerName: "ip-" + strings.ReplaceAll(m.Address, ".", "-") + ".ec2.internal", SourceID: m.ID, SourceType: "AWS::EC2::Instance",
	}
}

func (d describedNode) passes(filters []filter, tags map[string]string) (bool, error) {
	for _, f := range filters {
		have, ok := map[string]string{
			"InstanceIds": d.InstanceID, "PingStatus": d.PingStatus, "PlatformTypes": d.PlatformType, "AgentVersion": d.AgentVersion,
			"ResourceType": d.ResourceType, "SourceIds": d.SourceID, "SourceTypes": d.SourceType,
		}[f.Key]
		if key, isTag := strings.CutPrefix(f.Key, "tag:"); isTag {
			have, ok = tags[key], true
		}
		if !ok {
			return false, fault("InvalidInstanceInformationFilterValue", "The filter key %s is not valid.", f.Key)
		}
		if !slices.Contains(f.Values, have) {
			return false, nil
		}
	}
	return true, nil
}
