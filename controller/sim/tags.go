package sim

import (
	"context"
	"maps"

	"github.com/seed-77750964/regain/controller"
)

// Tag is CreateTags.
func (c *Cloud) Tag(ctx context.Context, tags map[string]string, ids ...string) error {
	return c.call(ctx, "ec2:CreateTags", func() error {
		all, err := c.tagsOf(ids)
		if err != nil {
			return err
		}
		for _, of := range all {
			if err := checkTags(*of, tags); err != nil {
				return err
			}
		}
		for _, of := range all {
			merged := maps.Clone(*of)
			if merged == nil {
				merged = map[string]string{}
			}
			maps.Copy(merged, tags)
			*of = merged
		}
		return nil
	})
}

// Untag is DeleteTags.
func (c *Cloud) Untag(ctx context.Context, keys []string, ids ...string) error {
	return c.call(ctx, "ec2:DeleteTags", func() error {
		all, err := c.tagsOf(ids)
		for _, of := range all {
			for _, k := range keys {
				delete(*of, k)
			}
		}
		return err
	})
}

func checkTags(old, tags map[string]string) error {
	count := len(old)
	for k, v := range tags {
		if len(k) > 128 || len(v) > 256 || k == "" {
			return refusal(controller.Invalid, "InvalidParameterValue", "tag %q is too long", k)
		}
		if len(k) > 3 && k[:4] == "aws:" {
			return refusal(controller.Invalid, "InvalidParameterValue", "tag keys starting with 'aws:' are reserved")
		}
		if _, had := old[k]; !had {
			count++
		}
	}
	if count > 50 {
		return refusal(controller.Invalid, "TagLimitExceeded", "a resource has at most 50 tags")
	}
	return nil
}

// tagsOf are the tags of whatever has an id.
func (c *Cloud) tagsOf(ids []string) ([]*map[string]string, error) {
	var all []*map[string]string
	for _, id := range ids {
		of := c.tags(id)
		if of == nil || !c.seen(id) {
			return nil, refusal(controller.NotFound, "InvalidID", "the ID '%s' is not valid", id)
		}
		all = append(all, of)
	}
	return all, nil
}

func (c *Cloud) tags(id string) *map[string]string {
	if i := c.instances[id]; i != nil {
		return &i.Tags
	}
	if v := c.volumes[id]; v != nil {
		return &v.Tags
	}
	if b := c.backups[id]; b != nil {
		return &b.Tags
	}
	if p := c.parts[id]; p != nil {
		return &p.Tags
	}
	return nil
}

// tagged tells whether tags have a value for a key; an empty value means any.
func tagged(tags map[string]string, key, value string) bool {
	v, ok := tags[key]
	return ok && (value == "" || v == value)
}
