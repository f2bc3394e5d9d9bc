package controller

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// runChecks are about this run and others.
var runChecks = []check{
	{id: "locked", title: "another run is not home yet", look: locked,
		flag: "--take-over", usage: "begin although another run on this instance is not home",
		instead: "Bring that one home first, from any machine: regain resume RUN goes on with it, regain rollback RUN takes it back." +
			" With the flag, what it has left is taken for how the instance was"},
	{
		id: "too-many-tags", title: "there is no room for the tags of a run", look: tooManyTags,
		instead: "The lock, and what it takes to bring the instance home from any machine, stand in tags: remove some for the time of the rescue",
	},
	{
		id: "is-helper", title: "the instance is a helper of a rescue",
		instead: "It goes when that run is home: regain list",
		look: func(s *situation) []string {
			role := s.was.Instance.Tags[TagRole]
			return when(role != "", "it is tagged %s=%s", TagRole, role)
		},
	},
	{
		id: "no-backup", title: "no backup is made", note: true,
		instead: "If anything is to be taken back, that rests on the agent's own undo",
		look:    func(s *situation) []string { return when(s.ask.Backup == BackupNone, "as asked for") },
	},
	{
		id: "force-stop", title: "the instance is stopped by force if need be", note: true,
		flag: "--force-stop", usage: "cut the power if the instance does not stop by itself",
		instead: "For its filesystems that is a power cut: what it has not written is lost",
		look:    func(s *situation) []string { return when(s.ask.Accepts("force-stop") && s.stops(), "as asked for") },
	},
	{
		id: "parameter-exists", title: "there is a parameter of that name", note: true,
		instead: "It becomes a new version; the old key stays readable as the version before",
		look: func(s *situation) []string {
			p := s.parameter
			if p == nil || p.Type != secureString {
				return nil
			}
			return when(true, "%s has version %d, of %s", p.Name, p.Version, p.Modified.UTC().Format(time.DateTime))
		},
	},
	{
		id: "parameter-type", title: "the parameter for the key is of another type",
		instead: "Parameter Store does not change a parameter's type (API Reference, PutParameter): remove it, or give your own key with --public-key",
		look: func(s *situation) []string {
			p := s.parameter
			if p == nil || p.Type == secureString {
				return nil
			}
			return when(true, "%s is a %s; %s removes it", p.Name, p.Type, s.aws("ssm delete-parameter --name "+p.Name))
		},
	},
	{
		id: "parameter-key", title: "the KMS key for the parameter cannot be used",
		instead: "Name another with --kms-key, or leave it to the account's own",
		look: func(s *situation) []string {
			k := s.secretKey
			if k == nil {
				return s.troubles["parameter-key"]
			}
			return when(k.State != keyEnabled, "key %s is %s", k.ARN, k.State)
		},
	},
}

// mostTags is how many tags a resource may have, not counting those of AWS.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
const mostTags = 50

func tooManyTags(s *situation) []string {
	var found []string
	for id, tags := range map[string]map[string]string{s.was.Instance.ID: s.was.Instance.Tags, s.was.Volume.ID: s.was.Volume.Tags} {
		count := len(lockKeys)
		for key := range tags {
			if !strings.HasPrefix(key, "aws:") && !slices.Contains(lockKeys, key) {
				count++
			}
		}
		if count > mostTags {
			found = append(found, fmt.Sprintf("%s has %d tags, of %d that it may have, and a run adds %d", id, count-len(lockKeys), mostTags, len(lockKeys)))
		}
	}
	slices.Sort(found)
	return found
}

const secureString = "SecureString"

// locked tells whose lock the instance or its root volume carries.
func locked(s *situation) []string {
	tags := s.was.Instance.Tags
	if tags[TagRun] == "" {
		tags = s.was.Volume.Tags
	}
	run := tags[TagRun]
	if run == "" || run == s.run || s.was.Instance.Tags[TagRole] != "" {
		return nil
	}
	return []string{fmt.Sprintf("run %s of %s%s has not put everything back", run, orUnknown(tags[TagOwner]), s.age(tags[TagSince]))}
}

// age tells how long ago something was.
func (s *situation) age(since string) string {
	began, err := time.Parse(time.RFC3339, since)
	if err != nil {
		return ""
	}
	return fmt.Sprintf(", begun %s ago,", s.now.Sub(began).Round(time.Second))
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
