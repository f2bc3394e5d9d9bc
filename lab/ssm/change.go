package ssm

import (
	"maps"
	"slices"

	"github.com/seed-77750964/regain/lab/rules"
)

type nameOnly struct{ Name string }

type namesOnly struct{ Names []string }

func (s *SSM) deleteParameter(p nameOnly) (any, error) {
	deleted, err := s.delete([]string{p.Name})
	if err == nil && len(deleted) == 0 {
		err = fault("ParameterNotFound", "")
	}
	return nil, err
}

func (s *SSM) deleteParameters(p namesOnly) (any, error) {
	if err := checkCount(p.Names); err != nil {
		return nil, err
	}
	deleted, err := s.delete(p.Names)
	answer := struct{ DeletedParameters, InvalidParameters []string }{deleted, []string{}}
	for _, name := range p.Names {
		if !slices.Contains(deleted, name) {
			answer.InvalidParameters = append(answer.InvalidParameters, name)
		}
	}
	return answer, err
}

func (s *SSM) delete(names []string) ([]string, error) {
	deleted := []string{}
	err := s.parameters.Update(func(all *parameters) error {
		for _, name := range names {
			bare := s.parseSelection(name).name
			if all.ByName[bare] != nil {
				deleted = append(deleted, name)
				delete(all.ByName, bare)
			}
		}
		return nil
	})
	return deleted, err
}

type resource struct {
	ResourceType string
	ResourceID   string `json:"ResourceId"`
}

type addTags struct {
	resource
	Tags []tag
}

func (r resource) check() error {
	if r.ResourceType != "Parameter" {
		return fault("UnsupportedOperation", "The lab tags parameters only, not %q.", r.ResourceType)
	}
	return nil
}

func (s *SSM) addTags(p addTags) (any, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	return nil, s.parameters.Update(func(all *parameters) error {
		of := all.ByName[s.parseSelection(p.ResourceID).name]
		if of == nil {
			return fault("InvalidResourceId", "")
		}
		for _, t := range p.Tags {
			of.Tags[t.Key] = t.Value
		}
		if len(of.Tags) > rules.LimitOf("ssm.tag.count") {
			return fault("TooManyTagsError", "")
		}
		return nil
	})
}

func (s *SSM) listTags(p resource) (any, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	tags, found := []tag{}, false
	s.parameters.View(func(all *parameters) {
		of := all.ByName[s.parseSelection(p.ResourceID).name]
		if found = of != nil; !found {
			return
		}
		for _, key := range slices.Sorted(maps.Keys(of.Tags)) {
			tags = append(tags, tag{key, of.Tags[key]})
		}
	})
	if !found {
		return nil, fault("InvalidResourceId", "")
	}
	return map[string][]tag{"TagList": tags}, nil
}
