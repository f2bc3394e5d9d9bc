package ec2

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

type tagItem struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

func (a *account) tagItems(id string) []tagItem {
	var items []tagItem
	for _, k := range keys(a.Tags[id]) {
		items = append(items, tagItem{k, a.Tags[id][k]})
	}
	return items
}

func keys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// tagsAtCreation reads the TagSpecifications of a creating call, by the types of
// resource that the call makes.
func (r *request) tagsAtCreation(types ...string) map[string]map[string]string {
	by := map[string]map[string]string{}
	for _, s := range r.List("TagSpecification") {
		kind := s.Require("ResourceType")
		if kind != "" && !slices.Contains(types, kind) {
			r.Fail(wire.Faultf("InvalidParameterValue", "'%s' is not a valid taggable resource type for this operation.", kind))
		}
		if by[kind] != nil {
			r.Fail(wire.Faultf("InvalidParameterValue", "Duplicate resource type '%s' in tag specifications.", kind))
		}
		by[kind] = tagsOf(s)
		if err := checkTags(nil, by[kind]); err != nil {
			r.Fail(err)
		}
	}
	return by
}

// tagsOf reads Tag.1.Key, Tag.1.Value, …
func tagsOf(p *wire.Params) map[string]string {
	tags := map[string]string{}
	for _, t := range p.List("Tag") {
		key, value := t.String("Key"), t.String("Value")
		if _, twice := tags[key]; twice {
			p.Fail(wire.Faultf("InvalidParameterValue", "Duplicate tag key '%s' specified.", key))
		}
		tags[key] = value
	}
	return tags
}

// checkTags keeps the rules for tags that are added to those a resource has.
func checkTags(have, add map[string]string) error {
	for k, v := range add {
		switch {
		case k == "":
			return wire.Faultf("InvalidParameterValue", "Tag key cannot be empty.")
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			return wire.Faultf("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
		case utf8.RuneCountInString(k) > rules.LimitOf("ec2.tag.key"):
			return wire.Faultf("InvalidParameterValue", "Tag key exceeds the maximum length of %d characters", rules.LimitOf("ec2.tag.key"))
		case utf8.RuneCountInString(v) > rules.LimitOf("ec2.tag.value"):
			return wire.Faultf("InvalidParameterValue", "Tag value exceeds the maximum length of %d characters", rules.LimitOf("ec2.tag.value"))
		}
	}
	all := maps.Clone(add)
	if all != nil {
		maps.Copy(all, have)
	}
	if len(all) > rules.LimitOf("ec2.tag.count") {
		return wire.Faultf("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
	}
	return nil
}

func (e *EC2) createTags(_ context.Context, r *request) (any, error) {
	ids, tags := r.Strings("ResourceId"), tagsOf(r.Params)
	if len(ids) == 0 || len(tags) == 0 {
		r.Fail(wire.Faultf("MissingParameter", "The request must contain the parameters ResourceId and Tag"))
	}
	return e.act(r, done, func(a *account, _ time.Time) error {
		for _, id := range ids {
			if err := a.exists(id); err != nil {
				return err
			}
			if err := checkTags(a.Tags[id], tags); err != nil {
				return err
			}
			if a.Tags[id] == nil {
				a.Tags[id] = map[string]string{}
			}
			maps.Copy(a.Tags[id], tags)
		}
		return nil
	})
}

// deleteTags removes tags by key; with a value, only where it is the tag's. No tag
// at all removes all.
func (e *EC2) deleteTags(_ context.Context, r *request) (any, error) {
	type wish struct {
		key, value string
		any        bool
	}
	ids := r.Strings("ResourceId")
	var wishes []wish
	for _, t := range r.List("Tag") {
		wishes = append(wishes, wish{t.String("Key"), t.String("Value"), !t.Has("Value")})
	}
	if len(ids) == 0 {
		r.Fail(wire.Faultf("MissingParameter", "The request must contain the parameter ResourceId"))
	}
	return e.act(r, done, func(a *account, _ time.Time) error {
		for _, id := range ids {
			if err := a.exists(id); err != nil {
				return err
			}
			maps.DeleteFunc(a.Tags[id], func(k, v string) bool {
				return len(wishes) == 0 || slices.ContainsFunc(wishes, func(w wish) bool { return w.key == k && (w.any || w.value == v) })
			})
		}
		return nil
	})
}

// A tagged is one tag of one resource.
type tagged struct {
	ID   string `xml:"resourceId"`
	Type string `xml:"resourceType"`
	tagItem
}

func (e *EC2) describeTags(_ context.Context, r *request) (any, error) {
	return describe(e, r, "", "tagSet", tagListing, func(a *account, x tagged, _ time.Time) tagged { return x })
}

var tagListing = listing[tagged]{
	all: func(a *account) []tagged {
		var all []tagged
		for _, id := range slices.Sorted(maps.Keys(a.Tags)) {
			for _, t := range a.tagItems(id) {
				all = append(all, tagged{id, kindOf(id), t})
			}
		}
		return all
	},
	id: func(t tagged) string { return t.ID + " " + t.Key },
	fields: map[string]func(*account, tagged) []string{
		"resource-id":   func(_ *account, t tagged) []string { return one(t.ID) },
		"resource-type": func(_ *account, t tagged) []string { return one(t.Type) },
		"key":           func(_ *account, t tagged) []string { return one(t.Key) },
		"value":         func(_ *account, t tagged) []string { return one(t.Value) },
	},
}
