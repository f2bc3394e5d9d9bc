package controller

import (
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline"
)

func TestJudgeArmed(t *testing.T) {
	asked, script := offline.Task{Run: "r-1", Volume: "vol-1"}, offline.Task{Run: "r-1", Volume: "vol-1", WindowsFallback: rsaOf(2048)}
	both := asked
	both.Accept = "windows/hive-log,windows/agents-armed"
	named := asked
	named.WindowsAgent = "ec2config"
	armed := func(agent string, all ...string) *offline.Windows { return &offline.Windows{Agent: agent, Armed: all} }
	for name, tt := range map[string]struct {
		windows *offline.Windows
		task    offline.Task
		says    string
	}{
		"an agent":           {armed("ec2config", "ec2config"), asked, ""},
		"the script":         {armed(startupScript, startupScript), script, ""},
		"nothing":            {nil, asked, "nothing of Windows"},
		"two, accepted":      {armed("ec2config", "ec2config", "ec2launch-v1"), both, ""},
		"two, one named":     {armed("ec2config", "ec2config", "ec2launch-v1"), named, ""},
		"another than named": {armed("ec2launch-v1", "ec2launch-v1"), named, "ec2config was named"},
		"others, accepted":   {armed("ec2config", "ec2launch-v2", "ec2launch-v1"), both, "has armed"},
		"none armed":         {armed("ec2config"), asked, "has armed []"},
		"two armed":          {armed("ec2config", "ec2config", "ec2launch-v1"), asked, "has armed"},
		"another armed":      {armed("ec2config", "ec2launch-v1"), asked, "has armed"},
		"agent, not script":  {armed("ec2config", "ec2config"), script, "not what was asked for"},
		"script, not agent":  {armed(startupScript, startupScript), asked, "not what was asked for"},
		"of another volume":  {armed("ec2config", "ec2config"), offline.Task{Run: "r-1", Volume: "vol-2"}, "vol-2"},
		"nobody knows which": {armed("", ""), asked, "by none"},
	} {
		r := &offline.Report{Schema: offline.Schema, Run: "r-1", Volume: "vol-1", Outcome: offline.Rescued, Windows: tt.windows}
		err := judge(r, 0, tt.task, true)
		if (tt.says == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", name, err, tt.says)
		}
	}
	failed := &offline.Report{Schema: offline.Schema, Run: "r-1", Volume: "vol-1", Outcome: offline.Refused, Windows: armed("ec2config", "ec2config")}
	if err := judge(failed, 1, asked, true); err == nil {
		t.Error("a refusal passed")
	}
}

// TestJudgeTokens: an agent that sets a password and cannot ask for the key that it
// is told by is no success.
func TestJudgeTokens(t *testing.T) {
	for name, tt := range map[string]struct {
		agent, version string
		old            bool
		edit           func(*Rescue)
		lost           bool
	}{
		"v2":             {"ec2launch-v2", "", false, nil, false},
		"v1":             {"ec2launch-v1", "1.3.2003498", false, nil, false},
		"v1, old":        {"ec2launch-v1", "1.3.2000430", true, nil, true},
		"v1, unknown":    {"ec2launch-v1", "", false, nil, true},
		"EC2Config":      {"ec2config", "4.9.5554", false, nil, true},
		"accepted":       {"ec2config", "", false, func(r *Rescue) { r.Ask.Accept = []string{"windows-metadata-tokens"} }, false},
		"without tokens": {"ec2launch-v1", "1.3.2000430", true, func(r *Rescue) { r.Original.Instance.MetadataTokens = false }, false},
		"by the script":  {startupScript, "", false, func(r *Rescue) { r.Ask.PublicKey = rsaOf(2048) }, false},
	} {
		r := &Rescue{Ask: Ask{Instance: "i-1"}, Original: &Original{Instance: Instance{Platform: Windows, MetadataTokens: true}, Root: Device{Volume: "vol-1"}}}
		if tt.edit != nil {
			tt.edit(r)
		}
		report := &offline.Report{Run: "r-1", Volume: "vol-1", Outcome: offline.Rescued, Windows: &offline.Windows{Agent: tt.agent, Version: tt.version, Armed: []string{tt.agent}}}
		if tt.old {
			report.Findings = []offline.Finding{{ID: agentOld}}
		}
		err := r.judge(report, 0, "r-1")
		if (err != nil) != tt.lost || err != nil && !strings.Contains(err.Error(), "--accept-imdsv2") {
			t.Errorf("%s: %v, want an error: %v", name, err, tt.lost)
		}
	}
}
