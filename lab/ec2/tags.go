package ec2

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

func (a *account) tagItems(id string) []item {
	var items []item
	for _, k := range keys(a.Tags[id]) {
		items = append(items, item{{"key", k}, {"value", a.Tags[id][k]}})
	}
	return items
}

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

// tagged are the resources that are to get tags or lose them.
func (r *request) tagged() []string {
	ids := r.Strings("ResourceId")
	if len(ids) == 0 {
		r.Fail(wire.Faultf("MissingParameter", "The request must contain the parameter ResourceId"))
	}
	return ids
}

func (e *EC2) createTags(_ context.Context, r *request) (any, error) {
	ids, tags := r.tagged(), tagsOf(r.Params)
	if len(tags) == 0 {
		r.Fail(wire.Faultf("MissingParameter", "The request must contain the parameter Tag"))
	}
	return e.act(r, func(a *account, _ time.Time) (any, error) {
		for _, id := range ids {
			if err := errors.Join(a.exists(id), checkTags(a.Tags[id], tags)); err != nil {
				return nil, err
			}
			if a.Tags[id] == nil {
				a.Tags[id] = map[string]string{}
			}
			maps.Copy(a.Tags[id], tags)
		}
		return done, nil
	})
}

// deleteTags removes tags by key; with a value, only where it is the tag's. No tag
// at all removes all.
func (e *EC2) deleteTags(_ context.Context, r *request) (any, error) {
	ids, wishes := r.tagged(), r.List("Tag")
	wanted := func(k, v string) bool {
		return slices.ContainsFunc(wishes, func(t *wire.Params) bool {
			key, value := t.String("Key"), t.String("Value")
			return key == k && (value == v || !t.Has("Value"))
		})
	}
	wanted("", "") // all is read before the request ends
	return e.act(r, func(a *account, _ time.Time) (any, error) {
		for _, id := range ids {
			if err := a.exists(id); err != nil {
				return nil, err
			}
			maps.DeleteFunc(a.Tags[id], func(k, v string) bool { return len(wishes) == 0 || wanted(k, v) })
		}
		return done, nil
	})
}

var tagListing = listing{
	set: "tagSet", filters: map[string]string{"resource-id": "resourceId", "resource-type": "resourceType", "key": "key", "value": "value"},
	rows: func(_ *EC2, a *account, _ time.Time) []row {
		var all []row
		for _, id := range keys(a.Tags) {
			for _, t := range a.tagItems(id) {
				shown := append(t, field{"resourceId", id}, field{"resourceType", kindOf(id).name})
				all = append(all, row{id + " " + shown.texts("key")[0], func() item { return shown }})
			}
		}
		return all
	},
}
