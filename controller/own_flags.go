package controller

import (
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// elsewhere is where the agent's own commands can be used, once regain's helper is gone.
const elsewhere = ", on an instance of yours that the volume is attached to"

// ownFlags says in this program's flags and commands what the agent says in its
// own. A test compares it with all that the agent may say.
var ownFlags = strings.NewReplacer(
	"--windows-fallback", "--public-key",
	"leave out the flags that begin with --windows", "is this the root volume of the instance? EC2 takes it for a Windows",
	"run again with --root DIR", "use regain-agent with --root DIR"+elsewhere,
	"name the partition of the right one with --device", "use regain-agent with --device"+elsewhere,
	"keep the key in a file with --store file:PATH", "have it made here, with --keys controller",
	"store under another name with --store ssm:NAME", "give a key of yours with --public-key",
	"find the device by its size with lsblk, and name it with --device", "name another type of helper with --helper-type, one of the Nitro system",
	"attach it to this instance, and give it time with --wait 15m", "look what has the volume",
	"the journal in the state directory", "the journal in /var/lib/regain on the helper",
	"the journal is in the --state-dir of the rescue", "the journal is in /var/lib/regain on the helper",
	"then a rescue with another --state-dir begins anew", "then regain resume goes on",
	"run regain-agent undo with the same source and --run ", "regain takes it back on its way home, as a rule: the agent's run is ",
	"run regain-agent inspect for what is on it", "regain-agent inspect"+elsewhere+", tells what is on it",
	"run regain-agent diagnose", "see regain-agent diagnose"+elsewhere,
	"regain-agent diagnose says", "regain-agent diagnose"+elsewhere+", says",
)

// inOwnWords is a report as the operator is to read it.
func inOwnWords(r *offline.Report) {
	for i := range r.Findings {
		r.Findings[i].Hint = ownFlags.Replace(r.Findings[i].Hint)
	}
	if p := r.Error; p != nil {
		p.Message, p.Hint = ownFlags.Replace(p.Message), ownFlags.Replace(p.Hint)
	}
}
