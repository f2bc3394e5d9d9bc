package ssm

import (
	"cmp"
	"strings"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

type tag struct{ Key, Value string }

type putParameter struct {
	Name, Description, Value, Type string
	KeyID                          string `json:"KeyId"`
	Overwrite                      bool
	Tags                           []tag
	Tier                           string
	DataType                       string
}

type putAnswer struct {
	Version int
	Tier    string
}

func (s *SSM) putParameter(by wire.Identity, p putParameter) (any, error) {
	p.Name = s.parseSelection(p.Name).name
	if err := s.checkPutForm(p); err != nil {
		return nil, err
	}
	var answer putAnswer
	err := s.parameters.Update(func(all *parameters) error {
		old := all.ByName[p.Name]
		if err := checkChange(p, old, len(all.ByName)); err != nil {
			return err
		}
		next := version{Number: 1, Tier: tierOf(p, old), Value: p.Value, Description: p.Description, Modified: s.cfg.Now().UTC(), By: by.ARN}
		par := &parameter{Name: p.Name, Type: p.Type, Tags: map[string]string{}}
		if old != nil {
			par = old
			next.Number = old.last().Number + 1
			next.Description = cmp.Or(p.Description, old.last().Description)
		}
		for _, t := range p.Tags {
			par.Tags[t.Key] = t.Value
		}
		if par.Type == secure {
			var err error
			next.KeyID = cmp.Or(p.KeyID, defaultKey)
			if next.Value, err = s.encrypt(p.Name, next.Tier, next.KeyID, p.Value); err != nil {
				return err
			}
		}
		par.Versions = append(par.Versions, next)
		par.keep(rules.LimitOf("ssm.parameter.versions"))
		if all.ByName == nil {
			all.ByName = map[string]*parameter{}
		}
		all.ByName[p.Name] = par
		answer = putAnswer{next.Number, next.Tier}
		return nil
	})
	return answer, err
}

// checkPutForm is what can be said without looking at the parameters that are.
func (s *SSM) checkPutForm(p putParameter) error {
	if err := s.checkNewName(p.Name); err != nil {
		return err
	}
	switch {
	case p.Value == "":
		return invalid("1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case strings.Contains(p.Value, "{{"):
		return invalid(`Parameter value can't nest another parameter. Do not use "{{}}" in the value.`)
	case p.Type != "" && p.Type != plain && p.Type != list && p.Type != secure:
		return invalid("The type %q is none of String, StringList and SecureString.", p.Type)
	case p.Tier != "" && p.Tier != standard && p.Tier != advanced && p.Tier != intelligent:
		return invalid("The tier %q is none of Standard, Advanced and Intelligent-Tiering.", p.Tier)
	case p.DataType != "" && p.DataType != "text":
		return fault("UnsupportedOperation", "The lab has parameters of data type text only.")
	case len(p.Description) > rules.LimitOf("ssm.parameter.description"):
		return invalid("The description is longer than %d characters.", rules.LimitOf("ssm.parameter.description"))
	case p.Overwrite && len(p.Tags) > 0:
		return invalid("Invalid request: tags and overwrite can't be used together. To create a parameter with tags, " +
			"please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.")
	case p.KeyID != "" && p.Type != "" && p.Type != secure:
		return invalid("KeyId is for parameters of type SecureString.")
	}
	return nil
}

// checkChange is what depends on the parameter that is, which may be nil.
func checkChange(p putParameter, old *parameter, count int) error {
	switch {
	case old == nil && p.Type == "":
		return invalid("A parameter type is required when you create a parameter.")
	case old == nil && count >= rules.LimitOf("ssm.parameter.count"):
		return fault("ParameterLimitExceeded", "You have exceeded the number of parameters for this account.")
	case old != nil && !p.Overwrite:
		return fault("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	case old != nil && p.Type != "" && p.Type != old.Type:
		return fault("HierarchyTypeMismatchException", "The parameter %s is of type %s, which cannot be changed to %s.", p.Name, old.Type, p.Type)
	case old != nil && old.last().Tier == advanced && p.Tier == standard:
		return invalid("This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the " +
			"advanced-parameter tier to the standard-parameter tier.")
	}
	tier := tierOf(p, old)
	limit := rules.LimitOf("ssm.parameter.standard")
	if tier == advanced {
		limit = rules.LimitOf("ssm.parameter.advanced")
	}
	if len(p.Value) > limit {
		return invalid("%s tier parameters support a maximum parameter value of %d characters.", tier, limit)
	}
	return nil
}

// tierOf is the tier that a parameter gets: what it had, what was asked for, or by
// size.
func tierOf(p putParameter, old *parameter) string {
	switch {
	case p.Tier == advanced, old != nil && old.last().Tier == advanced:
		return advanced
	case p.Tier == intelligent && len(p.Value) > rules.LimitOf("ssm.parameter.standard"):
		return advanced
	}
	return standard
}

func fault(code, format string, args ...any) error { return wire.Faultf(code, format, args...) }
