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

// Simulate asks IAM which of the permissions the caller lacks. It asks for all of
// them together first, telling what is the same for each: where the answer does not
// miss a condition key, the others would not change it, and most callers' policies
// have no conditions. What is left goes in a call for each context. The root user
// has them all, and IAM does not simulate it.
func (c *Cloud) Simulate(ctx context.Context, caller controller.Caller, asked []controller.Permission) ([]controller.Permission, error) {
	if strings.HasSuffix(caller.ARN, ":root") || len(asked) == 0 {
		return nil, nil
	}
	principal, err := c.principal(ctx, caller)
	if err != nil {
		return nil, err
	}
	s := simulator{cloud: c, principal: principal}
	var lacking []controller.Permission
	known, err := s.together(ctx, asked)
	if err != nil {
		return nil, err
	}
	allowed, err := s.apart(ctx, slices.DeleteFunc(slices.Clone(asked), func(p controller.Permission) bool { return known[pairOf(p)].exact }))
	if err != nil {
		return nil, err
	}
	for _, p := range asked {
		if !known[pairOf(p)].allowed && !allowed[contextOf(p)][pairOf(p)].allowed {
			lacking = append(lacking, p)
		}
	}
	return lacking, nil
}

// simulator asks about one principal.
type simulator struct {
	cloud     *Cloud
	principal string
}

// pair is what IAM answers about: an action on a resource.
type pair struct{ action, resource string }

func pairOf(p controller.Permission) pair { return pair{strings.ToLower(p.Action), p.Resource} }

// verdict is an answer. It is exact when no condition key was missing for it.
type verdict struct{ allowed, exact bool }

type verdicts map[pair]verdict

// together gives what is known without the contexts of each. IAM refuses to take
// some actions in one call, which "require different authorization information";
// which, it does not document: those of different services are tried apart.
func (s simulator) together(ctx context.Context, asked []controller.Permission) (verdicts, error) {
	if len(by(asked, contextOf)) == 1 {
		return nil, nil
	}
	shared := sharedContext(asked)
	known, err := s.ask(ctx, shared, asked)
	if is(err, controller.Invalid) {
		for _, group := range by(asked, serviceOf) {
			some, err := s.ask(ctx, shared, group)
			if err != nil && !is(err, controller.Invalid) {
				return nil, err
			}
			if known == nil {
				known = verdicts{}
			}
			maps.Copy(known, some)
		}
		err = nil
	}
	maps.DeleteFunc(known, func(_ pair, v verdict) bool { return !v.exact })
	return known, err
}

// apart asks for each context by itself, of what IAM does not take together for
// one action at a time.
func (s simulator) apart(ctx context.Context, asked []controller.Permission) (map[string]verdicts, error) {
	all := map[string]verdicts{}
	for _, group := range by(asked, contextOf) {
		answers, err := s.ask(ctx, group[0].Context, group)
		if is(err, controller.Invalid) {
			answers, err = s.oneByOne(ctx, group)
		}
		if err != nil {
			return nil, err
		}
		all[contextOf(group[0])] = answers
	}
	return all, nil
}

func (s simulator) oneByOne(ctx context.Context, group []controller.Permission) (verdicts, error) {
	all := verdicts{}
	for _, alike := range by(group, actionOf) {
		answers, err := s.ask(ctx, alike[0].Context, alike)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, answers)
	}
	return all, nil
}

// ask has IAM evaluate each action on each resource.
func (s simulator) ask(ctx context.Context, context map[string]string, group []controller.Permission) (verdicts, error) {
	in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &s.principal, ContextEntries: entries(context), MaxItems: sdk.Int32(pageSize)}
	for _, p := range group {
		if !slices.Contains(in.ActionNames, p.Action) {
			in.ActionNames = append(in.ActionNames, p.Action)
		}
		if !slices.Contains(in.ResourceArns, p.Resource) {
			in.ResourceArns = append(in.ResourceArns, p.Resource)
		}
	}
	answers := verdicts{}
	const allowed = types.PolicyEvaluationDecisionTypeAllowed
	err := pages(ctx, iam.NewSimulatePrincipalPolicyPaginator(s.cloud.iam, in), func(out *iam.SimulatePrincipalPolicyOutput) {
		for _, r := range out.EvaluationResults {
			action := strings.ToLower(sdk.ToString(r.EvalActionName))
			// The whole answer stands for its resource, unless there are answers
			// for single ones.
			answers[pair{action, sdk.ToString(r.EvalResourceName)}] = verdict{r.EvalDecision == allowed, len(r.MissingContextValues) == 0}
			for _, one := range r.ResourceSpecificResults {
				answers[pair{action, sdk.ToString(one.EvalResourceName)}] = verdict{
					one.EvalResourceDecision == allowed, len(one.MissingContextValues)+len(r.MissingContextValues) == 0,
				}
			}
		}
	})
	return answers, err
}

// sharedContext is what all permissions have in their contexts.
func sharedContext(asked []controller.Permission) map[string]string {
	shared := maps.Clone(asked[0].Context)
	for _, p := range asked[1:] {
		maps.DeleteFunc(shared, func(key, value string) bool { return p.Context[key] != value })
	}
	return shared
}

// contextOf tells contexts apart.
func contextOf(p controller.Permission) string {
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(p.Context)) {
		text.WriteString(key + "\x00" + p.Context[key] + "\x00")
	}
	return text.String()
}

func actionOf(p controller.Permission) string { return p.Action }

func serviceOf(p controller.Permission) string {
	service, _, _ := strings.Cut(p.Action, ":")
	return service
}

// by groups permissions by what they have in common, in their order.
func by(asked []controller.Permission, common func(controller.Permission) string) [][]controller.Permission {
	var groups [][]controller.Permission
	at := map[string]int{}
	for _, p := range asked {
		n, ok := at[common(p)]
		if !ok {
			n = len(groups)
			at[common(p)], groups = n, append(groups, nil)
		}
		groups[n] = append(groups[n], p)
	}
	return groups
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
