package ssm

import (
	"slices"
	"strconv"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

// publicSince is when the public parameters say that they were changed.
var publicSince = time.Date(2026, time.October, 1, 0, 0, 0, 0, time.UTC)

type getParameter struct {
	Name           string
	WithDecryption bool
}

type getParameters struct {
	Names          []string
	WithDecryption bool
}

type shownParameter struct {
	Name, Type, Value string
	Version           int
	Selector          string `json:",omitempty"`
	LastModifiedDate  wire.Time
	ARN, DataType     string
}

func (s *SSM) getParameter(p getParameter) (any, error) {
	shown, err := s.show(p.Name, p.WithDecryption)
	return map[string]shownParameter{"Parameter": shown}, err
}

func (s *SSM) getParameters(p getParameters) (any, error) {
	if err := checkCount(p.Names); err != nil {
		return nil, err
	}
	answer := struct {
		Parameters        []shownParameter
		InvalidParameters []string
	}{[]shownParameter{}, []string{}}
	for _, name := range p.Names {
		shown, err := s.show(name, p.WithDecryption)
		switch {
		case wire.IsFault(err, "ParameterNotFound", "ParameterVersionNotFound"):
			answer.InvalidParameters = append(answer.InvalidParameters, name)
		case err != nil:
			return nil, err
		default:
			answer.Parameters = append(answer.Parameters, shown)
		}
	}
	return answer, nil
}

func checkCount(names []string) error {
	limit := rules.LimitOf("ssm.parameter.names")
	if len(names) < 1 || len(names) > limit {
		return invalid("1 validation error detected: 'names' must have 1 to %d members", limit)
	}
	sorted := slices.Sorted(slices.Values(names))
	if len(slices.Compact(sorted)) != len(names) {
		return invalid("Duplicate parameters are not allowed.")
	}
	return nil
}

// show is one version of a parameter: the last, or the one selected.
func (s *SSM) show(text string, decrypted bool) (shownParameter, error) {
	sel := s.parseSelection(text)
	if value, ok := s.cfg.Public[sel.name]; ok && sel.selector == "" {
		return shownParameter{
			Name: sel.name, Type: plain, Value: value, Version: 1, ARN: s.publicARN(sel.name), DataType: "text",
			LastModifiedDate: wire.Time{Time: publicSince},
		}, nil
	}
	shown := shownParameter{Name: sel.name, ARN: s.parameterARN(sel.name), DataType: "text"}
	v, kind, err := s.version(sel)
	if err != nil {
		return shown, err
	}
	shown.Type, shown.Value, shown.Version, shown.LastModifiedDate = kind, v.Value, v.Number, wire.Time{Time: v.Modified}
	if sel.selector != "" {
		shown.Selector = ":" + sel.selector
	}
	if kind == secure && decrypted {
		shown.Value, err = s.decrypt(sel.name, v)
	}
	return shown, err
}

// version looks a version up, and its parameter's type.
func (s *SSM) version(sel selection) (v version, kind string, err error) {
	s.parameters.View(func(all *parameters) {
		p := all.ByName[sel.name]
		if p == nil {
			err = fault("ParameterNotFound", "")
			return
		}
		kind, v = p.Type, *p.last()
		if sel.selector == "" {
			return
		}
		number, convErr := strconv.Atoi(sel.selector)
		i := slices.IndexFunc(p.Versions, func(have version) bool { return have.Number == number })
		if convErr != nil || i < 0 {
			err = fault("ParameterVersionNotFound", "Systems Manager could not find version %s of %s. Verify the version and try again.", sel.selector, sel.name)
			return
		}
		v = p.Versions[i]
	})
	return v, kind, err
}

type getHistory struct {
	Name           string
	WithDecryption bool
	MaxResults     int
	NextToken      string
}

type pastVersion struct {
	Name, Type       string
	KeyID            string `json:"KeyId,omitempty"`
	LastModifiedDate wire.Time
	LastModifiedUser string
	Description      string `json:",omitempty"`
	Value            string
	Version          int
	Labels           []string
	Tier             string
	Policies         []string
	DataType         string
}

func (s *SSM) getHistory(p getHistory) (any, error) {
	name := s.parseSelection(p.Name).name
	var versions []version
	var kind string
	s.parameters.View(func(all *parameters) {
		if of := all.ByName[name]; of != nil {
			kind, versions = of.Type, slices.Clone(of.Versions)
		}
	})
	if versions == nil {
		return nil, fault("ParameterNotFound", "")
	}
	versions, next, err := page(versions, p.MaxResults, p.NextToken)
	if err != nil {
		return nil, err
	}
	past := []pastVersion{}
	for _, v := range versions {
		value := v.Value
		if kind == secure && p.WithDecryption {
			if value, err = s.decrypt(name, v); err != nil {
				return nil, err
			}
		}
		past = append(past, pastVersion{
			Name: name, Type: kind, KeyID: v.KeyID, LastModifiedDate: wire.Time{Time: v.Modified}, LastModifiedUser: v.By, Description: v.Description,
			Value: value, Version: v.Number, Labels: []string{}, Tier: v.Tier, Policies: []string{}, DataType: "text",
		})
	}
	return struct {
		Parameters []pastVersion
		NextToken  string `json:",omitempty"`
	}{past, next}, nil
}

// page is the part of a list that a request wants, whose token is the place where
// the part begins.
func page[T any](all []T, most int, token string) (part []T, next string, err error) {
	limit := rules.LimitOf("ssm.parameter.page")
	if most == 0 {
		most = limit
	}
	if most < 1 || most > limit {
		return nil, "", invalid("MaxResults must be between 1 and %d", limit)
	}
	begin := 0
	if token != "" {
		if begin, err = strconv.Atoi(token); err != nil || begin < 0 || begin > len(all) {
			return nil, "", fault("InvalidNextToken", "The specified token is not valid.")
		}
	}
	end := min(begin+most, len(all))
	if end < len(all) {
		next = strconv.Itoa(end)
	}
	return all[begin:end], next, nil
}
