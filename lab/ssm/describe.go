package ssm

import (
	"maps"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/lab/wire"
)

type filter struct {
	Key, Option string
	Values      []string
}

type describeParameters struct {
	Filters          []filter // the old kind, whose values are beginnings of names
	ParameterFilters []filter
	MaxResults       int
	NextToken        string
}

type describedParameter struct {
	Name, ARN, Type  string
	KeyID            string `json:"KeyId,omitempty"`
	LastModifiedDate wire.Time
	LastModifiedUser string
	Description      string `json:",omitempty"`
	Version          int
	Tier             string
	Policies         []string
	DataType         string
}

func (s *SSM) describeParameters(p describeParameters) (any, error) {
	if len(p.Filters) > 0 && len(p.ParameterFilters) > 0 {
		return nil, invalid("You can use either Filters or ParameterFilters in a single request.")
	}
	for i := range p.Filters {
		if p.Filters[i].Key == "Name" {
			p.Filters[i].Option = "BeginsWith"
		}
	}
	filters := slices.Concat(p.Filters, p.ParameterFilters)
	found := []describedParameter{}
	var err error
	s.parameters.View(func(all *parameters) {
		for _, name := range slices.Sorted(maps.Keys(all.ByName)) {
			of, ok := all.ByName[name], false
			if ok, err = of.passes(filters); err != nil {
				return
			}
			if ok {
				found = append(found, s.describe(of))
			}
		}
	})
	if err != nil {
		return nil, err
	}
	found, next, err := page(found, p.MaxResults, p.NextToken)
	return struct {
		Parameters []describedParameter
		NextToken  string `json:",omitempty"`
	}{found, next}, err
}

func (s *SSM) describe(p *parameter) describedParameter {
	v := p.last()
	return describedParameter{
		Name: p.Name, ARN: s.parameterARN(p.Name), Type: p.Type, KeyID: v.KeyID, LastModifiedDate: wire.Time{Time: v.Modified},
		LastModifiedUser: v.By, Description: v.Description, Version: v.Number, Tier: v.Tier, Policies: []string{}, DataType: "text",
	}
}

func (p *parameter) passes(filters []filter) (bool, error) {
	for _, f := range filters {
		matches, err := f.matcher()
		if err != nil {
			return false, err
		}
		if !matches(p) {
			return false, nil
		}
	}
	return true, nil
}

// matcher is the filter as a question to a parameter. The values are alternatives.
func (f filter) matcher() (func(*parameter) bool, error) {
	if key, ok := strings.CutPrefix(f.Key, "tag:"); ok {
		return func(p *parameter) bool {
			value, has := p.Tags[key]
			return has && (len(f.Values) == 0 || slices.Contains(f.Values, value))
		}, nil
	}
	field := map[string]func(*parameter) string{
		"Name":     func(p *parameter) string { return strings.TrimPrefix(p.Name, "/") },
		"Path":     func(p *parameter) string { return p.Name },
		"Type":     func(p *parameter) string { return p.Type },
		"KeyId":    func(p *parameter) string { return p.last().KeyID },
		"Tier":     func(p *parameter) string { return p.last().Tier },
		"DataType": func(*parameter) string { return "text" },
	}[f.Key]
	if field == nil {
		return nil, fault("InvalidFilterKey", "The filter key %s is not valid.", f.Key)
	}
	compare, err := f.comparison()
	if err != nil {
		return nil, err
	}
	return func(p *parameter) bool {
		return slices.ContainsFunc(f.Values, func(value string) bool {
			if f.Key == "Name" {
				value = strings.TrimPrefix(value, "/")
			}
			return compare(field(p), value)
		})
	}, nil
}

func (f filter) comparison() (func(have, value string) bool, error) {
	switch {
	case f.Key == "Path" && (f.Option == "" || f.Option == "OneLevel"):
		return func(have, value string) bool {
			rest, below := strings.CutPrefix(have, strings.TrimSuffix(value, "/")+"/")
			return below && !strings.Contains(rest, "/")
		}, nil
	case f.Key == "Path" && f.Option == "Recursive":
		return func(have, value string) bool { return strings.HasPrefix(have, strings.TrimSuffix(value, "/")+"/") }, nil
	case f.Option == "", f.Option == "Equals":
		return func(have, value string) bool { return have == value }, nil
	case f.Option == "BeginsWith" && f.Key != "Path":
		return strings.HasPrefix, nil
	case f.Option == "Contains" && f.Key == "Name":
		return strings.Contains, nil
	}
	return nil, fault("InvalidFilterOption", "The filter option %s is not valid for %s.", f.Option, f.Key)
}
