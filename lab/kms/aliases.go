package kms

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/lab/wire"
)

var aliasName = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]{1,250}$`)

type createAlias struct {
	AliasName   string
	TargetKeyID string `json:"TargetKeyId"`
}

func (k *KMS) createAlias(p createAlias) (any, error) {
	if !aliasName.MatchString(p.AliasName) || strings.HasPrefix(p.AliasName, "alias/aws/") {
		return nil, wire.Faultf("InvalidAliasNameException", "%q is no name for an alias", p.AliasName)
	}
	return struct{}{}, k.file.Update(func(doc *document) error {
		found, err := k.find(doc, p.TargetKeyID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(doc.Aliases, func(a alias) bool { return a.Name == p.AliasName }) {
			return wire.Faultf("AlreadyExistsException", "An alias with the name %s already exists", k.arn(p.AliasName))
		}
		doc.Aliases = append(doc.Aliases, alias{Name: p.AliasName, Target: found.ID, Created: k.cfg.Now().UTC()})
		return nil
	})
}

type listAliases struct {
	KeyID  string `json:"KeyId"`
	Limit  int
	Marker string // the last name of the page before
}

type listedAlias struct {
	Name    string    `json:"AliasName"`
	ARN     string    `json:"AliasArn"`
	Target  string    `json:"TargetKeyId"`
	Created wire.Time `json:"CreationDate"`
	Updated wire.Time `json:"LastUpdatedDate"`
}

type aliasPage struct {
	Aliases    []listedAlias
	NextMarker string `json:",omitempty"`
	Truncated  bool
}

func (k *KMS) listAliases(p listAliases) (any, error) {
	var page aliasPage
	var err error
	k.file.View(func(doc *document) {
		target := ""
		if p.KeyID != "" {
			var of *key
			if of, err = k.find(doc, p.KeyID); err != nil {
				return
			}
			target = of.ID
		}
		page = k.aliasPage(doc, target, p)
	})
	return page, err
}

func (k *KMS) aliasPage(doc *document, target string, p listAliases) aliasPage {
	limit := cmp.Or(p.Limit, 50)
	page := aliasPage{Aliases: []listedAlias{}}
	all := slices.SortedFunc(slices.Values(doc.Aliases), func(a, b alias) int { return cmp.Compare(a.Name, b.Name) })
	for _, a := range all {
		if a.Name <= p.Marker || target != "" && a.Target != target {
			continue
		}
		if len(page.Aliases) == limit {
			page.Truncated, page.NextMarker = true, page.Aliases[limit-1].Name
			break
		}
		page.Aliases = append(page.Aliases, listedAlias{a.Name, k.arn(a.Name), a.Target, wire.Time{Time: a.Created}, wire.Time{Time: a.Created}})
	}
	return page
}
