package ssm

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
)

// parameters are what the state directory keeps of Parameter Store, by name.
type parameters struct{ ByName map[string]*parameter }

type parameter struct {
	Name     string
	Type     string
	Versions []version // oldest first
	Tags     map[string]string
}

// A version is one value. A SecureString's is ciphertext, in base64.
type version struct {
	Number      int
	Tier        string
	Value       string
	KeyID       string // as the caller named it
	Description string
	Modified    time.Time
	By          string // ARN
}

func (p *parameter) last() *version { return &p.Versions[len(p.Versions)-1] }

// The types and tiers of parameters.
const (
	plain  = "String"
	list   = "StringList"
	secure = "SecureString"

	standard    = "Standard"
	advanced    = "Advanced"
	intelligent = "Intelligent-Tiering"
)

var nameChars = regexp.MustCompile(`^[a-zA-Z0-9_.\-/]+$`)

const reserved = `Parameter name: can't be prefixed with "aws" or "ssm" (case-insensitive).`

// checkNewName holds the name of a parameter that is to be made against the rules
// of PutParameter.
func (s *SSM) checkNewName(name string) error {
	first, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(name, "/")), "/")
	levels := strings.Count(strings.TrimPrefix(name, "/"), "/") + 1
	switch {
	case !nameChars.MatchString(name), strings.Contains(name, "//"), strings.HasSuffix(name, "/"):
		return invalid("%s If formed as a path, it can consist of sub-paths divided by slash symbol; "+
			"each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_", reserved)
	case strings.HasPrefix(first, "aws"), strings.HasPrefix(first, "ssm"):
		return invalid("%s", reserved)
	case strings.Contains(name, "/") && name[0] != '/':
		return invalid("Parameter name must be a fully qualified name.")
	case len(s.parameterARN(name)) > rules.LimitOf("ssm.parameter.name"):
		return invalid("The parameter name is too long.")
	case levels > rules.LimitOf("ssm.parameter.levels"):
		return fault("HierarchyLevelLimitExceededException", "A hierarchy can have a maximum of %d levels.", rules.LimitOf("ssm.parameter.levels"))
	}
	return nil
}

func (s *SSM) parameterARN(name string) string {
	return s.arn("ssm", s.cfg.Account, "parameter/"+strings.TrimPrefix(name, "/"))
}

func (s *SSM) publicARN(name string) string {
	return s.arn("ssm", "", "parameter/"+strings.TrimPrefix(name, "/"))
}

func (s *SSM) arn(service, account, resource string) string {
	return strings.Join([]string{"arn", s.cfg.Partition, service, s.cfg.Region, account, resource}, ":")
}

// A selection is a parameter as GetParameter names it: NAME or NAME:VERSION, where
// NAME may be the ARN.
type selection struct{ name, selector string }

func (s *SSM) parseSelection(text string) selection {
	prefix := s.parameterARN("")
	if rest, ok := strings.CutPrefix(text, prefix); ok {
		if text = rest; strings.Contains(strings.SplitN(rest, ":", 2)[0], "/") {
			text = "/" + rest // the ARN of /a/b ends like that of a/b, which cannot be
		}
	}
	name, selector, _ := strings.Cut(text, ":")
	return selection{name, selector}
}

// keep drops the oldest versions.
func (p *parameter) keep(most int) {
	if n := len(p.Versions) - most; n > 0 {
		p.Versions = slices.Delete(p.Versions, 0, n)
	}
}
