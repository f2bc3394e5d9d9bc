package controller

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/winroot/agentconf"
)

// startupScript is what a report calls the script that encrypts to the operator's
// key; see package winroot.
const startupScript = "startup-script"

// judgeArmed wants one program that makes the new password at the next start, and
// the one that was asked for: of two, one would overwrite the other's, unless that
// was accepted, or one of them named.
func judgeArmed(w *offline.Windows, t offline.Task) error {
	switch {
	case w == nil:
		return errors.New("the report says nothing of Windows")
	case t.WindowsAgent != "" && w.Agent != t.WindowsAgent:
		return fmt.Errorf("the report would have %s make the password, and %s was named", orNone(shorten(w.Agent)), t.WindowsAgent)
	case w.Agent == "" || !slices.Contains(w.Armed, w.Agent) || len(w.Armed) > 1 && !takesSeveral(t):
		return fmt.Errorf("the report has armed %q, to make a password by %s", w.Armed, orNone(shorten(w.Agent)))
	case (w.Agent == startupScript) != (t.WindowsFallback != ""):
		return fmt.Errorf("the report would have %s make the password, which is not what was asked for", shorten(w.Agent))
	}
	return nil
}

// agentsArmed is the agent's finding about several programs that make passwords.
const agentsArmed = "windows/agents-armed"

// takesSeveral tells whether several may make one: whoever names an agent has
// chosen, as the agent's advice says.
func takesSeveral(t offline.Task) bool {
	return t.WindowsAgent != "" || slices.Contains(strings.Split(t.Accept, ","), agentsArmed)
}

// judge is judge for this run, and of Windows sees that the password will not be
// lost.
func (r *Rescue) judge(report *offline.Report, code int, run string) error {
	if err := judge(report, code, r.task(run), r.windows()); err != nil || !r.windows() {
		return err
	}
	return r.judgeTokens(report)
}

// agentOld is the agent's finding about a launch agent that knows no tokens.
const agentOld = "windows/agent-old"

// judgeTokens wants a launch agent that can ask the metadata service for the public
// key: it sets the password before it asks.
func (r *Rescue) judgeTokens(report *offline.Report) error {
	if !r.Original.Instance.MetadataTokens || r.Ask.PublicKey != "" || r.Ask.Accepts("windows-metadata-tokens") {
		return nil
	}
	w := report.Windows
	old := slices.ContainsFunc(report.Findings, func(f offline.Finding) bool { return f.ID == agentOld })
	if w.Agent == string(agentconf.EC2LaunchV2) || w.Agent == string(agentconf.EC2LaunchV1) && w.Version != "" && !old {
		return nil
	}
	return fmt.Errorf("its metadata service wants tokens (IMDSv2), which %s, version %s, may not know: it would set a password, and lose it."+
		" Let the service answer without tokens for this one start (aws ec2 modify-instance-metadata-options --http-tokens optional --instance-id %s),"+
		" or %s; or say --accept-imdsv2 if it knows them", shorten(w.Agent), orUnknown(shorten(w.Version)), r.Ask.Instance, useScript)
}
