package rescue

import (
	"context"
	"errors"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/access"
	"github.com/seed-77750964/regain/offline/sshd"
	"github.com/seed-77750964/regain/offline/sshkey"
)

// Inspect says what is on the volume: filesystems, system, users or launch
// agents. It writes nothing, and replays no journal. A volume that holds no root
// is described as far as its bytes tell.
func (p *Patient) Inspect(ctx context.Context, r Request) (offline.Report, error) {
	report := newReport("inspect", r, p)
	report.Outcome = offline.Unchanged
	err := p.withExam(ctx, r, &report, func(*exam) error { return nil })
	if err != nil {
		conclude(&report, err)
		if p.disk != nil && len(report.Filesystems) == 0 {
			report.Filesystems = append(report.Filesystems, p.filesystems(nil, nil)...)
		}
	}
	return report, err
}

// Diagnose says who may log in, whether sshd would accept them, and why not; of
// Windows, whether a new password is set at the next start, and what is in the way.
// It writes nothing, and replays no journal.
func (p *Patient) Diagnose(ctx context.Context, r Request) (offline.Report, error) {
	report := newReport("diagnose", r, p)
	report.Outcome = offline.Unchanged
	err := p.withExam(ctx, r, &report, func(x *exam) error { return x.diagnose(&report, r.Public) })
	if err != nil {
		conclude(&report, err)
	}
	return report, err
}

// withExam opens the tree read-only, examines it, and takes it apart again.
func (p *Patient) withExam(ctx context.Context, r Request, report *offline.Report, f func(*exam) error) (err error) {
	tree, err := p.Tree(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tree.Close(ctx)) }()
	if p.root.windows {
		return lookAtWindows(report, tree, r)
	}
	x, err := examine(tree, r)
	describe(report, tree, x)
	if err != nil {
		return err
	}
	return f(x)
}

// maxJudged bounds how many keys of one user are judged.
const maxJudged = 16

// diagnose judges the given key, or the keys that the user's files hold.
func (x *exam) diagnose(report *offline.Report, given *sshkey.Public) error {
	for _, u := range x.chosen {
		keys := []sshkey.Public{}
		if given != nil {
			keys = append(keys, *given)
		} else {
			keys = x.keysOf(x.keyFiles(u))
		}
		nobodys := len(keys) == 0
		if nobodys {
			keys = append(keys, sshkey.Public{Algorithm: "ssh-ed25519", Bits: 256})
		}
		for _, k := range keys {
			v, err := x.system.Judge(u.Name, k)
			if err != nil {
				return err
			}
			if nobodys {
				v.Fingerprint = ""
			}
			x.addVerdict(report, v)
		}
	}
	return nil
}

func (x *exam) addVerdict(report *offline.Report, v sshd.Verdict) {
	report.Verdicts = append(report.Verdicts, offline.Verdict{
		User: v.User, Fingerprint: v.Fingerprint, Before: v.Answer, After: v.Answer, Reasons: reasonTexts(v),
	})
	for _, f := range findings(v, nil, access.Repair{}, true) {
		if !hasFinding(report.Findings, f) {
			report.Findings = append(report.Findings, f)
		}
	}
}

func hasFinding(list []offline.Finding, f offline.Finding) bool {
	for _, g := range list {
		if g.ID == f.ID && g.User == f.User && g.Evidence == f.Evidence {
			return true
		}
	}
	return false
}

// keysOf lists the keys in the files, each once.
func (x *exam) keysOf(files []string) []sshkey.Public {
	var keys []sshkey.Public
	for _, file := range files {
		data, err := x.tree.Volume.ReadFile(file, offline.MaxKeys)
		if err != nil {
			continue // the verdict says what is wrong with the file
		}
		for _, line := range sshkey.Parse(data).Lines {
			if line.Key == nil || len(keys) >= maxJudged || known(keys, *line.Key) {
				continue
			}
			keys = append(keys, *line.Key)
		}
	}
	return keys
}

func known(keys []sshkey.Public, k sshkey.Public) bool {
	for _, other := range keys {
		if other.Equal(k) {
			return true
		}
	}
	return false
}

// Blocked tells whether some user of the report has no key that is accepted, or,
// of Windows, whether nothing sets a new password at the next start.
func Blocked(report offline.Report) bool {
	if report.Windows != nil {
		return len(report.Windows.Armed) == 0
	}
	open := map[string]bool{}
	for _, v := range report.Verdicts {
		open[v.User] = open[v.User] || v.After == offline.Accepted
	}
	for _, ok := range open {
		if !ok {
			return true
		}
	}
	return false
}
