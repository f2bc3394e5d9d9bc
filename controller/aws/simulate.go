package aws

import (
	"context"
	"maps"
	"slices"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/seed-77750964/regain/controller"
)

// Simulate asks IAM which of the permissions the caller lacks. Those with the
// same context go in one call, if IAM takes them together; it evaluates each
// action on each resource, and of its answers only those count that were asked
// for. The root user has them all, and IAM does not simulate it.
func (c *Cloud) Simulate(ctx context.Context, caller controller.Caller, asked []controller.Permission) ([]controller.Permission, error) {
	if strings.HasSuffix(caller.ARN, ":root") || len(asked) == 0 {
		return nil, nil
	}
	principal, err := c.principal(ctx, caller)
	if err != nil {
		return nil, err
	}
	allowed := map[pair]bool{}
	for key, group := range byContext(asked) {
		err := c.simulate(ctx, principal, key, group, allowed)
		if is(err, controller.Invalid) {
			err = c.simulateApart(ctx, principal, key, group, allowed)
		}
		if err != nil {
			return nil, err
		}
	}
	var lacking []controller.Permission
	for _, p := range asked {
		if !allowed[pairOf(p)] {
			lacking = append(lacking, p)
		}
	}
	return lacking, nil
}

// pair is what IAM answers about: an action on a resource, in a context.
type pair struct{ action, resource, context string }

func pairOf(p controller.Permission) pair {
	return pair{strings.ToLower(p.Action), p.Resource, contextKey(p.Context)}
}

// contextKey tells contexts apart.
func contextKey(context map[string]string) string {
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(context)) {
		text.WriteString(key + "\x00" + context[key] + "\x00")
	}
	return text.String()
}

func byContext(asked []controller.Permission) map[string][]controller.Permission {
	groups := map[string][]controller.Permission{}
	for _, p := range asked {
		key := contextKey(p.Context)
		groups[key] = append(groups[key], p)
	}
	return groups
}

func (c *Cloud) simulate(ctx context.Context, principal, key string, group []controller.Permission, allowed map[pair]bool) error {
	in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &principal, ContextEntries: entries(group[0].Context), MaxItems: sdk.Int32(pageSize)}
	for _, p := range group {
		if !slices.Contains(in.ActionNames, p.Action) {
			in.ActionNames = append(in.ActionNames, p.Action)
		}
		if !slices.Contains(in.ResourceArns, p.Resource) {
			in.ResourceArns = append(in.ResourceArns, p.Resource)
		}
	}
	return pages(ctx, iam.NewSimulatePrincipalPolicyPaginator(c.iam, in), func(out *iam.SimulatePrincipalPolicyOutput) {
		for _, r := range out.EvaluationResults {
			action := strings.ToLower(sdk.ToString(r.EvalActionName))
			// The whole answer stands for its resource, unless there are answers
			// for single ones.
			allowed[pair{action, sdk.ToString(r.EvalResourceName), key}] = r.EvalDecision == types.PolicyEvaluationDecisionTypeAllowed
			for _, s := range r.ResourceSpecificResults {
				allowed[pair{action, sdk.ToString(s.EvalResourceName), key}] = s.EvalResourceDecision == types.PolicyEvaluationDecisionTypeAllowed
			}
		}
	})
}

// simulateApart asks for one action at a time. IAM refuses to take some together,
// which "require different authorization information"; which, it does not
// document.
func (c *Cloud) simulateApart(ctx context.Context, principal, key string, group []controller.Permission, allowed map[pair]bool) error {
	for len(group) > 0 {
		var alike, others []controller.Permission
		for _, p := range group {
			if p.Action == group[0].Action {
				alike = append(alike, p)
			} else {
				others = append(others, p)
			}
		}
		if err := c.simulate(ctx, principal, key, alike, allowed); err != nil {
			return err
		}
		group = others
	}
	return nil
}

// entries are the context keys with the types that IAM knows them by.
func entries(context map[string]string) []types.ContextEntry {
	var list []types.ContextEntry
	for _, key := range slices.Sorted(maps.Keys(context)) {
		e := types.ContextEntry{ContextKeyName: sdk.String(key), ContextKeyType: types.ContextKeyTypeEnumString, ContextKeyValues: []string{context[key]}}
		switch key {
		case "kms:GrantIsForAWSResource":
			e.ContextKeyType = types.ContextKeyTypeEnumBoolean
		case "aws:TagKeys":
			e.ContextKeyType, e.ContextKeyValues = types.ContextKeyTypeEnumStringList, strings.Split(context[key], ",")
		}
		list = append(list, e)
	}
	return list
}
